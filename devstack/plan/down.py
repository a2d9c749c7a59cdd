"""`plan_down`, `plan_stop`: dependents first, everything that is independent side by side, and never a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devstack.compose.model import Stack
from devstack.engine.base import Container, Observed, State
from devstack.plan.order import needs
from devstack.plan.steps import Keys, Plan, Remove, RemoveNetwork, Stop

UP = (State.RUNNING, State.PAUSED, State.RESTARTING)


def plan_down(stack: Stack, observed: Observed, *, grace: float | None = None, nameless: bool = False) -> Plan:
    """Stop and remove all containers of the project (orphans and one-offs too), then its networks. Volumes stay.

    With `nameless` volumes without a name go with their containers: for a stack that is thrown away.
    """
    containers = observed.containers
    stops = _stops(stack, containers, grace, "down")
    keys = {stop.container: stop.key for stop in stops}
    removes = [
        Remove(
            container=c.id,
            name=c.name,
            service=c.service,
            reason="down",
            anonymous=nameless,
            after=frozenset({keys[c.id]} if c.id in keys else set()),
        )
        for c in containers
    ]
    gone = frozenset(remove.key for remove in removes)
    external = {network.name for network in stack.networks.values() if network.external}
    networks = [
        RemoveNetwork(network=network.id, name=network.name, reason="down", after=gone)
        for network in observed.networks.values()
        if network.name not in external and network.labels.get("com.docker.compose.project") == stack.name
    ]
    return Plan(steps=(*stops, *removes, *networks))


def nameless(observed: Observed) -> tuple[tuple[str, str], ...]:
    """(service, path) of every volume without a name: what is in it, no later container finds."""
    found = {(c.service, mount.target) for c in observed.containers if not c.oneoff for mount in c.mounts if mount.is_nameless}
    return tuple(sorted(found))


def naming(service: str, target: str) -> str:
    """The line that gives a volume a name."""
    return f'volumes: ["{service}_data:{target}"]'


def plan_stop(stack: Stack, observed: Observed, services: Sequence[str] = (), *, grace: float | None = None) -> Plan:
    """Stop the running containers of the services (all when none is named), dependents first."""
    chosen = [c for c in observed.containers if not services or c.service in services]
    return Plan(steps=tuple(_stops(stack, [c for c in chosen if not c.oneoff or not services], grace, "")))


def _stops(stack: Stack, containers: Sequence[Container], grace: float | None, reason: str) -> list[Stop]:
    running = [c for c in containers if c.state in UP]
    keys: dict[str, Keys] = {}
    for container in running:
        keys[container.service] = keys.get(container.service, frozenset()) | {f"stop:{container.name}"}
    waits = _dependents_first(stack, keys)
    return [
        Stop(
            container=c.id,
            name=c.name,
            service=c.service,
            reason=reason,
            grace=grace if grace is not None else _grace(stack, c.service),
            settled=waits.get(c.service, frozenset()),
        )
        for c in running
    ]


def _dependents_first(stack: Stack, keys: Mapping[str, Keys]) -> dict[str, Keys]:
    services = {**stack.disabled, **stack.services}
    waits: dict[str, Keys] = {}
    for name, service in services.items():
        for need in needs(service):
            waits[need] = waits.get(need, frozenset()) | keys.get(name, frozenset())
    return waits


def _grace(stack: Stack, name: str) -> float | None:
    service = stack.services.get(name) or stack.disabled.get(name)
    return service.stop_grace_period if service else None
