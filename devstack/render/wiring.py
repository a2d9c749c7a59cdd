"""Who gives which connection variables to whom, seen from inside the network, from the host, and from a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from devstack.render.instances import Instance
from devstack.spec.services import dependency_names

# A browser may know where things answer, never how to log in.
_BROWSABLE = ("http", "web")


@dataclass(frozen=True, slots=True)
class View:
    """How a service is reached: its host name, its ports and its variables by the kind's short names."""

    host: str
    ports: Mapping[str, object]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Variable:
    """One connection variable; `value` may hold marked names of other variables."""

    name: str
    value: str
    service: str
    secret: bool


def network_view(instance: Instance) -> View:
    return View(instance.name, instance.targets, instance.env_refs())


def browser_view(instance: Instance) -> View:
    return View("localhost", instance.port_refs(), {})


def dependencies(instance: Instance, instances: Mapping[str, Instance]) -> tuple[Instance, ...]:
    """The services of a kind that this one depends on, in the order written."""
    return tuple(instances[name] for name, _ in dependency_names(instance.spec.overlay) if name in instances)


def described(instance: Instance) -> dict[str, object]:
    """A dependency as the templates of its consumer see it."""
    view = network_view(instance)
    return {
        "service": instance.name,
        "kind": instance.kind.name,
        "interface": instance.kind.interface,
        "options": instance.options,
        "prefix": instance.prefix,
        "host": view.host,
        "ports": view.ports,
        "env": view.env,
    }


def driver_of(instance: Instance) -> str:
    """The driver that this consumer's DATABASE_URL names, "" for none."""
    driver = instance.text(instance.kind.driver, instance.context())
    return "" if driver == "None" else driver


def wired(instance: Instance, instances: Mapping[str, Instance]) -> dict[str, str]:
    """The connection variables a consumer gets in its `environment`, with marked names where `.env` decides."""
    if not instance.kind.consumes:
        return {}
    providers = dependencies(instance, instances)
    found = {item.name: item.value for item in connections_of(providers, network_view, driver_of(instance))}
    if instance.kind.browser:
        browsable = [item for item in providers if item.kind.interface in _BROWSABLE and item.ports]
        for item in connections_of(browsable, browser_view, ""):
            found[instance.kind.browser + item.name] = item.value
    return found


def connections_of(providers: Sequence[Instance], view: Callable[[Instance], View], driver: str) -> Iterator[Variable]:
    """The variables of several providers: the first of each interface gives the plain names.

    Where several provide the same interface, each one's `each` variables come under <SERVICE>_<name> too.
    """
    seen: set[str] = set()
    counts: dict[str, int] = {}
    for provider in providers:
        counts[provider.kind.interface] = counts.get(provider.kind.interface, 0) + 1
    for provider in providers:
        interface = provider.kind.interface
        several = counts[interface] > 1
        for item in _provided(provider, view(provider), driver):
            variable, each = item
            if interface not in seen:
                yield variable
            if each and several:
                yield Variable(f"{provider.prefix}_{variable.name}", variable.value, variable.service, variable.secret)
        seen.add(interface)


def _provided(provider: Instance, view: View, driver: str) -> Iterator[tuple[Variable, bool]]:
    context = {**provider.context(), "host": view.host, "ports": view.ports, "env": view.env, "driver": driver}
    for item in provider.kind.provides:
        value = provider.text(item.value, context)
        secret = bool(item.secret) and provider.true(item.secret, context)
        yield Variable(item.name, value, provider.name, secret), item.each
