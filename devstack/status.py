"""What a stack looks like now: one row a service, with the addresses a person would type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devstack.compose.model import EMPTY, Json, Service, Stack
from devstack.compose.roles import Postgres, Redis, role_of
from devstack.engine.observed import Binding, Container, Health, Observed, State

NOT_HTTP = frozenset({22, 25, 465, 587, 1025, 2181, 3306, 4222, 5432, 5672, 6379, 9042, 9092, 11211, 27017, 50051})
"""Target ports where a browser would be of no use."""
EVERYWHERE = ("", "0.0.0.0", "::", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One service: `state` is "healthy", "running", "starting", "unhealthy", "completed", "exited (N)", "stopped", "absent", ..."""

    service: str
    state: str
    addresses: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    seconds: float | None = None
    stand_in: str = ""

    def as_json(self) -> Json:
        return {
            "service": self.service,
            "state": self.state,
            "addresses": list(self.addresses),
            "containers": list(self.containers),
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "stand_in": self.stand_in or None,
        }


def rows(stack: Stack, observed: Observed, seconds: Mapping[str, float] = EMPTY) -> tuple[Row, ...]:
    """A row for each enabled service, and for each other one that has containers."""
    names = [*stack.services, *(name for name in stack.disabled if observed.of(name))]
    known = {**stack.disabled, **stack.services}
    orphans = sorted({c.service for c in observed.containers if c.service and c.service not in known and not c.oneoff})
    found = [_row(stack, known[name], observed, seconds.get(name)) for name in names]
    return tuple(found + [_orphan(name, observed) for name in orphans])


def _row(stack: Stack, service: Service, observed: Observed, seconds: float | None) -> Row:
    there = observed.of(service.name)
    image = observed.images.get(stack.image_of(service))
    state = state_of(there)
    if state == Health.STARTING and seconds is not None:
        # This run saw its probe pass; an engine without a fast start cadence notices at its own first probe.
        state = str(Health.HEALTHY)
    return Row(
        service=service.name,
        state=state,
        addresses=tuple(dict.fromkeys(address for c in there if c.running for address in addresses(service, c))),
        containers=tuple(c.name for c in there),
        seconds=seconds,
        stand_in=image.stand_in if image else "",
    )


def _orphan(name: str, observed: Observed) -> Row:
    there = observed.of(name)
    return Row(service=name, state=f"{state_of(there)}, not in the files", containers=tuple(c.name for c in there))


WORST = ("unhealthy", "dead", "restarting", "exited", "paused", "starting", "created", "running", "healthy", "completed")


def state_of(containers: tuple[Container, ...]) -> str:
    """One word for all containers of a service: the worst of them."""
    if not containers:
        return "absent"
    states = [_state(c) for c in containers]
    return min(states, key=lambda state: next((i for i, word in enumerate(WORST) if state.startswith(word)), 0))


def _state(container: Container) -> str:
    if container.state is State.RUNNING:
        return "running" if container.health is Health.NONE else str(container.health)
    if container.state is State.EXITED:
        return "completed" if container.exit_code == 0 else f"exited ({container.exit_code})"
    return str(container.state)


def addresses(service: Service, container: Container) -> list[str]:
    """What to type to reach a container from the host; passwords are masked."""
    bindings = {(b.target, b.protocol): b for b in container.bindings if b.published}
    return [_address(service, binding) for binding in bindings.values()]


def _address(service: Service, binding: Binding) -> str:
    host = "localhost" if binding.host_ip in EVERYWHERE else binding.host_ip
    at = f"{host}:{binding.published}"
    role = role_of(service)
    if isinstance(role, Postgres) and binding.target == role.port:
        return f"postgresql://{role.user}:****@{at}/{role.database}"
    if isinstance(role, Redis) and binding.target == role.port:
        return f"redis://{':****@' if role.password else ''}{at}"
    if binding.protocol != "tcp":
        return f"{binding.protocol}://{at}"
    return at if binding.target in NOT_HTTP else f"http://{at}"
