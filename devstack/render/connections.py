"""How programs on the host reach the stack's services: the variables that `devstack env` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devstack.errors import UsageError
from devstack.render.instances import Instance
from devstack.render.templating import Ref
from devstack.render.whole import instances_of
from devstack.render.wiring import View, connections_of, dependencies, driver_of
from devstack.spec.kinds import Kind
from devstack.spec.model import Spec


@dataclass(frozen=True, slots=True)
class Connection:
    """One variable for a program on the host. `service` is the one it leads to."""

    variable: str
    value: str
    service: str
    secret: bool


def connections(
    spec: Spec, kinds: Mapping[str, Kind], values: Mapping[str, str], *, consumer: str | None = None
) -> tuple[Connection, ...]:
    """The connection variables of every published service of a kind, in the order of the spec.

    `values` are those of `.env` with the shell's over them. With `consumer`, what that service gets, said for the host: only what it
    depends on. DATABASE_URL has the form of the consumer's driver, or of all consumers' where they agree. Raises `SpecError`.
    """
    instances = instances_of(spec, kinds)
    if consumer is not None and consumer not in spec.services:
        raise UsageError(f'there is no service "{consumer}"', hints=[f"services: {', '.join(spec.services)}"])
    if consumer is not None and consumer in instances:
        providers = list(dependencies(instances[consumer], instances))
        driver = driver_of(instances[consumer])
    else:
        providers = list(instances.values())
        driver = _agreed_driver(instances)
    reachable = [item for item in providers if item.ports and item.kind.provides]
    # A missing password cannot be guessed: what needs it is left out.
    found = connections_of(reachable, lambda item: _host_view(item, values), driver)
    return tuple(Connection(item.name, item.value, item.service, item.secret) for item in found if _UNSET not in item.value)


_UNSET = "\ue002"


def _agreed_driver(instances: Mapping[str, Instance]) -> str:
    """The driver of all that depend on a Postgres, "" where they differ."""
    drivers = {
        driver_of(item)
        for item in instances.values()
        if item.kind.consumes and any(other.kind.interface == "postgres" for other in dependencies(item, instances))
    }
    return drivers.pop() if len(drivers) == 1 else ""


def _host_view(instance: Instance, values: Mapping[str, str]) -> View:
    ports = {suffix: _port(values.get(port.variable), port.default) for suffix, port in instance.ports.items()}
    env = {suffix: values.get(name) or item.default or Ref(_UNSET) for suffix, (name, item) in instance.env.items()}
    return View("localhost", ports, env)


def _port(text: str | None, default: int) -> str:
    return text if text else str(default)
