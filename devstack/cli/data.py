"""The flows of `reset` and `undo`: name what goes, ask, keep a way back, come up again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from devstack import labels
from devstack.cli import bringing, running
from devstack.cli.console import columns
from devstack.cli.session import Session
from devstack.compose.model import Json, Stack, Volume
from devstack.compose.roles import Postgres, role_of
from devstack.engine.base import Observed
from devstack.errors import DevstackError, Refused
from devstack.plan.down import plan_down
from devstack.plan.up import UpOptions


def reset(session: Session, services: tuple[str, ...], *, yes: bool, timeout: float) -> None:
    """Empty the volumes of the services, keeping a snapshot; the stack is up again afterwards if it was before."""
    from devstack.database import undo as undoing

    _refuse_remote(session)
    for name in services:
        session.service(name)
    with session.locked():
        finish(session)
        observed = session.observe()
        volumes = _volumes(session.stack, services, observed)
        if not volumes:
            session.console.answer({"project": session.stack.name, "removed": []}, "nothing to reset: no volume holds data yet")
            return
        sizes = _sizes(session, volumes)
        _consent(session, observed, volumes, sizes, yes)
        was_up = _clear_away(session, observed)
        saved = undoing.reset(session.engine, session.stack, volumes, images=_images(session.stack, observed), sizes=sizes)
        session.console.label("snapshot", f"{saved.name}: devstack undo brings it back")
    removed: list[Json] = [volume.name for volume in volumes]
    text = "1 volume is empty" if len(volumes) == 1 else f"{len(volumes)} volumes are empty"
    _again(session, was_up, timeout, {"removed": removed, "snapshot": saved.name}, text)


def undo(session: Session, *, yes: bool, timeout: float) -> None:
    """Bring back what the last reset or undo took away."""
    from devstack.database import undo as undoing

    _refuse_remote(session)
    with session.locked():
        finish(session)
        last = undoing.undoable(session.engine, session.stack.name)
        if (
            last is not None
            and not yes
            and not session.console.ask(f"Bring back {last.name}? What is there now is kept too.", default=True)
        ):
            raise Refused("nothing was changed", hints=["devstack undo --yes"])
        observed = session.observe()
        was_up = _clear_away(session, observed) if last is not None else False
        back, saved = undoing.undo(session.engine, session.stack, images=_images(session.stack, observed))
        session.console.label("restored", f"{back.name}; what was there before is kept as {saved.name}")
    _again(session, was_up, timeout, {"restored": back.name, "snapshot": saved.name}, f"{back.name} is back")


def finish(session: Session) -> None:
    """Bring a reset or restore that was cut off to its end. The caller holds the project."""
    from devstack.database import undo as undoing

    left = undoing.pending(session.engine, session.stack.name)
    if left is None:
        return
    _clear_away(session, session.observe())
    undoing.finish(session.engine, session.stack)
    session.console.label("finished", str(left))


def _again(session: Session, was_up: bool, timeout: float, data: Mapping[str, Json], text: str) -> None:
    if was_up:
        bringing.bring(session, UpOptions(), timeout=timeout, extra=data)
        session.console.say(f"{text}     undo: devstack undo")
    else:
        session.console.answer({"project": session.stack.name, **data}, f"{text}     next: devstack up · undo: devstack undo")


def _clear_away(session: Session, observed: Observed) -> bool:
    """Remove the containers, so that nothing holds the volumes; True when something ran."""
    was_up = any(container.running for container in observed.containers)
    running.execute(session, plan_down(session.stack, observed), quiet=True)
    return was_up


def _volumes(stack: Stack, services: Iterable[str], observed: Observed) -> list[Volume]:
    """The stack's own named volumes that exist, of the named services, caches too; without a name, all that hold data."""
    everything = {**stack.disabled, **stack.services}
    chosen = [everything[name] for name in services] or list(everything.values())
    keys = dict.fromkeys(mount.source for service in chosen for mount in service.mounts if mount.type == "volume")
    found = [stack.volumes[key] for key in keys if key in stack.volumes]
    mine = [volume for volume in found if not volume.external and volume.name in observed.volumes]
    return mine if services else [volume for volume in mine if labels.CACHE not in volume.labels]


def _images(stack: Stack, observed: Observed) -> dict[str, str]:
    """For each volume an image that is there and belongs to a service that uses it."""
    images: dict[str, str] = {}
    for service in {**stack.disabled, **stack.services}.values():
        reference = stack.image_of(service)
        for mount in service.mounts:
            if mount.source in stack.volumes and reference in observed.images:
                images.setdefault(stack.volumes[mount.source].name, reference)
    return images


def _sizes(session: Session, volumes: Iterable[Volume]) -> dict[str, int]:
    wanted = {volume.name for volume in volumes}
    found = session.engine.volumes(f"{labels.PROJECT}={session.stack.name}", sizes=True)
    return {volume.name: volume.size for volume in found if volume.name in wanted and volume.size is not None}


def _consent(session: Session, observed: Observed, volumes: list[Volume], sizes: Mapping[str, int], yes: bool) -> None:
    console = session.console
    lines = [[volume.name, _human(sizes.get(volume.name)), _contents(session, observed, volume)] for volume in volumes]
    plural = "s" if len(volumes) > 1 else ""
    console.say(f"This removes the data of {len(volumes)} volume{plural} of {session.stack.name}:")
    console.say(columns(lines))
    console.say("A snapshot is kept; `devstack undo` brings everything back.")
    if not yes and not console.ask(f"Reset {session.stack.name}?"):
        raise Refused("nothing was changed", hints=["devstack reset --yes"])


def _human(size: int | None) -> str:
    if size is None:
        return ""
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _contents(session: Session, observed: Observed, volume: Volume) -> str:
    """How much a running database holds, where it says so; "" elsewhere."""
    for service in session.stack.services.values():
        role = role_of(service, session.stack.secrets)
        mounted = any(mount.source == volume.key for mount in service.mounts)
        container = next((c for c in observed.of(service.name) if c.running), None)
        if mounted and isinstance(role, Postgres) and container is not None:
            from devstack.database.connection import connect
            from devstack.database.reach import target_of

            count = "SELECT count(*), coalesce(sum(n_live_tup), 0) FROM pg_stat_user_tables WHERE schemaname <> 'devstack'"
            try:
                with connect(target_of(role, container, session.engine.info.endpoint), application_name="devstack") as connection:
                    tables, rows = connection.rows(count)[0]
            except DevstackError:
                return ""  # it is about to be emptied; that it cannot be counted must not stand in the way
            return f"{tables} tables, about {rows:,} rows"
    return ""


def _refuse_remote(session: Session) -> None:
    if not session.engine.info.endpoint.local:
        raise Refused(
            "the engine is on another machine; its data is not touched from here",
            details=[("engine", str(session.engine.info.endpoint))],
            hints=["docker context use default, or unset DOCKER_HOST"],
            code="remote-engine",
        )
