"""The order services depend on each other in: who waits for whom, and what must exist first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from devstack.compose.model import Condition, Service

NAMESPACE_KEYS = ("network_mode", "ipc", "pid")


def parents(service: Service) -> tuple[str, ...]:
    """Services whose container must exist before this one can be created: shared namespaces and `volumes_from`."""
    found = [value.removeprefix("service:") for key in NAMESPACE_KEYS if (value := getattr(service, key)).startswith("service:")]
    found += [entry.split(":")[0] for entry in service.volumes_from if not entry.startswith("container:")]
    return tuple(dict.fromkeys(found))


def needs(service: Service) -> tuple[str, ...]:
    """All services this one comes after, in the order they are written."""
    linked = [link.split(":")[0] for link in service.links]
    return tuple(dict.fromkeys([d.service for d in service.depends_on] + linked + list(parents(service))))


def closure(names: Iterable[str], services: Mapping[str, Service]) -> tuple[str, ...]:
    """The named services and all they need, directly or not, needed ones first."""
    seen: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in seen or name not in services:
            return
        for need in needs(services[name]):
            visit(need)
        seen[name] = None

    for name in names:
        visit(name)
    return tuple(seen)


def conditions(services: Mapping[str, Service], name: str) -> set[Condition]:
    """The conditions that the services have for one of them."""
    return {needed.condition for service in services.values() for needed in service.depends_on if needed.service == name}


def dependents(services: Mapping[str, Service]) -> dict[str, tuple[str, ...]]:
    """For each service, those that directly need it."""
    return {name: tuple(other for other, service in services.items() if name in needs(service)) for name in services}
