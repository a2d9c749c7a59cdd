"""How the data of each service is made clean: a database from its template, a Redis by its own command, anything else by its volume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack import labels
from devstack.bring_up.clean import Clean, clean_states
from devstack.compose.model import Service, Stack, Volume
from devstack.compose.roles import INIT_SCRIPTS, Postgres, Redis, role_of
from devstack.database.servers import Servers
from devstack.engine.base import Engine, Observed
from devstack.errors import DatabaseError
from devstack.spec.model import Spec

if TYPE_CHECKING:
    from devstack.engine.base import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What is done to which data. `flushed`: service -> its volume's key, "" where it keeps nothing on disk.

    `volumes` are copied and removed; `reasons` say for each database service why it goes that way.
    """

    states: tuple[Clean, ...] = ()
    flushed: Mapping[str, str]
    volumes: tuple[Volume, ...]
    reasons: Mapping[str, str]

    @property
    def nothing(self) -> bool:
        return not self.states and not self.volumes and not self.flushed

    def going(self, observed: Observed) -> tuple[Container, ...]:
        """The containers that must go so that the volumes can.

        Where a database gets a new volume all do whose own data is not made clean while they run: programs may make its schema when
        they start.
        """
        if not self.volumes:
            return ()
        needed = {state.service for state in self.states} | set(self.flushed)
        if self.reasons:
            return tuple(c for c in observed.containers if c.service not in needed)
        names = {volume.name for volume in self.volumes}
        return tuple(c for c in observed.containers if any(mount.name in names for mount in c.mounts))


def ways(
    engine: Engine,
    stack: Stack,
    spec: Spec | None,
    services: tuple[str, ...],
    observed: Observed,
    servers: Servers,
    *,
    hard: bool,
    seed: bool = True,
) -> Ways:
    """Choose the way of each service (all that there are when none is named).

    `hard` is the volume way for all. Without `seed` the clean states have no seeds.
    """
    everything = {**stack.disabled, **stack.services}
    chosen = [everything[name] for name in services] or list(everything.values())
    states: list[Clean] = []
    flushed: dict[str, str] = {}
    reasons: dict[str, str] = {}
    declared = _declared(spec)
    for service in chosen:
        role, said = role_of(service, stack.secrets), declared.get(service.name, "")
        if isinstance(role, Redis) and said in ("", "flush") and not hard and servers.container(service.name) is not None:
            flushed[service.name] = next((volume.key for volume in _mounted(stack, [service])), "")
        elif isinstance(role, Postgres):
            found, why = _states(engine, stack, spec, service, role, servers, hard=hard, seed=seed)
            if said == "volume":
                found, why = (), "its kind says so"
            states += found
            if why:
                reasons[service.name] = why
    ready = {state.service for state in states}
    kept = {volume.key for volume in _mounted(stack, [s for s in chosen if s.name in ready])} | set(flushed.values())
    held = [volume for volume in _mounted(stack, chosen) if volume.key in flushed.values() and volume.name in observed.volumes]
    removed = [volume for volume in _data(stack, chosen, observed, named=bool(services)) if volume.key not in kept]
    return Ways(
        states=tuple(states),
        flushed={name: key if key in {v.key for v in held} else "" for name, key in flushed.items()},
        volumes=tuple(removed),
        reasons=reasons,
    )


def _declared(spec: Spec | None) -> dict[str, str]:
    """What the kinds of the services say about their data."""
    if spec is None:
        return {}
    from devstack.spec.kinds import load_kinds

    kinds = load_kinds(spec.root)
    return {service.name: kinds[service.kind].data for service in spec.services.values() if service.kind in kinds}


def _states(
    engine: Engine, stack: Stack, spec: Spec | None, service: Service, role: Postgres, servers: Servers, *, hard: bool, seed: bool
) -> tuple[tuple[Clean, ...], str]:
    """The clean states of a server's databases, or () and why they cannot be had while it runs."""
    if hard:
        return (), "--hard"
    if servers.container(service.name) is None:
        return (), "it is not running"
    if spec is None or not any(entry.service == service.name for entry in spec.schema):
        return (), "no schema in devstack.yml says what its clean state is"
    if any(mount.target.startswith(INIT_SCRIPTS) for mount in service.mounts):
        return (), f"scripts in {INIT_SCRIPTS} run only in a new volume"
    states = clean_states(engine, stack, spec, service.name, seed=seed)
    if role.database not in {state.database for state in states}:
        return (), f"no schema says what the clean state of {role.database} is"
    why = next((state.obstacle for state in states if state.obstacle), "")
    if why:
        return (), why
    try:
        servers.cluster(service.name)
    except DatabaseError as error:
        return (), error.message
    return states, ""


def _mounted(stack: Stack, services: Iterable[Service]) -> list[Volume]:
    """The stack's own named volumes of these services."""
    keys = dict.fromkeys(mount.source for service in services for mount in service.mounts if mount.type == "volume")
    return [stack.volumes[key] for key in keys if key in stack.volumes and not stack.volumes[key].external]


def _data(stack: Stack, services: Iterable[Service], observed: Observed, *, named: bool) -> list[Volume]:
    """Those that exist and hold data; caches too where the service was named."""
    mine = [volume for volume in _mounted(stack, services) if volume.name in observed.volumes]
    return mine if named else [volume for volume in mine if labels.CACHE not in volume.labels]
