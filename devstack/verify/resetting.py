"""`reset` and `undo` of the stack under test, by the same road as the commands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from devstack.bring_up.clean import template_of
from devstack.bring_up.ways import Ways, ways
from devstack.database import undo as undoing
from devstack.database.servers import Servers
from devstack.database.snapshot import DatabasePart
from devstack.engine.base import Container, Observed
from devstack.execute import Executor
from devstack.execute.actions import Actions
from devstack.plan.down import plan_down
from devstack.verify.base import Ground
from devstack.verify.model import Mode


def reset(ground: Ground) -> str:
    """Put the clean state in the place of all data, keeping what was there; says which way each service's data went."""
    observed = ground.look()
    with Servers(ground.engine, ground.stack, observed) as servers:
        chosen = ways(ground.engine, ground.stack, ground.spec, (), observed, servers, hard=False)
        services = dict.fromkeys(state.service for state in chosen.states)
        databases = [part for service in services for part in _clean(ground, servers, service, chosen)]
        _clear_away(ground, observed, chosen.going(observed))
        flushed = [ground.stack.volumes[key] for key in chosen.flushed.values() if key]
        undoing.reset(
            ground.engine,
            ground.stack,
            [*chosen.volumes, *flushed],
            images=_images(ground),
            databases=databases,
            flushed=chosen.flushed,
            servers=servers,
        )
    ways_taken = [f"{state.service}/{state.database} from its template" for state in chosen.states]
    ways_taken += [f"{name} flushed" for name in chosen.flushed] + [f"volume {volume.key} made anew" for volume in chosen.volumes]
    return ", ".join(ways_taken)


def _clean(ground: Ground, servers: Servers, service: str, chosen: Ways) -> list[DatabasePart]:
    """New databases of a server in their clean state, under names of their own."""
    cluster = servers.cluster(service)
    cluster.sweep()
    parts = []
    for state in (state for state in chosen.states if state.service == service):
        template = template_of(ground.engine, ground.stack, cluster, state, lambda line: None, lambda: None)
        parts.append(undoing.replaced(service, state.database, cluster.copy(template, like=state.database)))
    return parts


def undo(ground: Ground) -> None:
    """Bring back what the reset took. The services whose databases come back must run."""
    last = undoing.undoable(ground.engine, ground.stack.name)
    names = {part.volume for part in last.parts} if last is not None else set()
    observed = ground.look()
    _clear_away(ground, observed, [c for c in observed.containers if any(mount.name in names for mount in c.mounts)])
    with Servers(ground.engine, ground.stack, observed) as servers:
        undoing.undo(ground.engine, ground.stack, images=_images(ground), servers=servers)


def _clear_away(ground: Ground, observed: Observed, containers: Iterable[Container]) -> None:
    """Stop and remove these containers, so that nothing holds their volumes."""
    going = tuple(containers)
    if not going:
        return
    whole = len(going) == len(observed.containers)
    some = observed if whole else replace(observed, containers=going, networks={})
    plan = plan_down(ground.stack, some, nameless=ground.mode is Mode.TWIN)
    Executor(ground.engine, ground.stack, Actions(ground.engine, ground.stack)).run(plan).raise_first()


def _images(ground: Ground) -> dict[str, str]:
    """For each volume an image that is there and belongs to a service that uses it."""
    images: dict[str, str] = {}
    for service in ground.enabled:
        for mount in service.mounts:
            if mount.source in ground.stack.volumes:
                images.setdefault(ground.stack.volumes[mount.source].name, ground.stack.image_of(service))
    return images
