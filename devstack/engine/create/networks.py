"""A container's place on its networks, and the ports it publishes."""

from __future__ import annotations

from dataclasses import dataclass, field

from devstack.compose.model import Attachment, Service, Stack, Strings
from devstack.engine.base import NewContainer
from devstack.engine.create.filled import Body, filled
from devstack.engine.create.host import shared

_IFNAME = "com.docker.network.endpoint.ifname"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Endpoint settings by network name: those of the create call, and those to connect to before the start."""

    at_create: dict[str, Body] = field(default_factory=dict)
    afterwards: dict[str, Body] = field(default_factory=dict)


def ordered(stack: Stack, service: Service) -> tuple[Attachment, ...]:
    """The service's networks, the primary one first: highest priority, then by key."""
    if service.network_mode:
        return ()
    found = service.networks
    if not found and "default" in stack.networks:
        found = (Attachment(network="default"),)
    return tuple(sorted(found, key=lambda a: (-a.priority, a.network)))


def network_mode(stack: Stack, service: Service, namespaces: Strings) -> str:
    if service.network_mode:
        return shared(service.network_mode, namespaces)
    found = ordered(stack, service)
    return stack.networks[found[0].network].name if found else "none"


def endpoints(stack: Stack, new: NewContainer, *, api: tuple[int, int]) -> Endpoints:
    """Engines before API 1.44 take one network in the create call, later ones all."""
    found = ordered(stack, new.service)
    named = {stack.networks[a.network].name: _endpoint(stack, new, a, primary=index == 0, api=api) for index, a in enumerate(found)}
    if api >= (1, 44):
        return Endpoints(at_create=named)
    names = list(named)
    return Endpoints({n: named[n] for n in names[:1]}, {n: named[n] for n in names[1:]})


def _endpoint(stack: Stack, new: NewContainer, place: Attachment, *, primary: bool, api: tuple[int, int]) -> Body:
    service = new.service
    aliases = [new.name] if new.one_off else [new.name, service.name, *place.aliases]
    address = {"IPv4Address": place.ipv4_address, "IPv6Address": place.ipv6_address, "LinkLocalIPs": list(place.link_local_ips)}
    options = {**place.driver_opts, **({_IFNAME: place.interface_name} if place.interface_name else {})}
    return filled(
        {
            "Aliases": list(dict.fromkeys(aliases)),
            "Links": _links(stack, service),
            "IPAMConfig": filled(address),
            "MacAddress": place.mac_address or (service.mac_address if primary and api >= (1, 44) else ""),
            "DriverOpts": options,
            "GwPriority": place.gw_priority or None if api >= (1, 48) else None,
        }
    )


def _links(stack: Stack, service: Service) -> list[str]:
    """`links` and `external_links` as `container:alias`; the engine resolves them when asked for the alias.

    A linked service is known by its numbered names too, as Compose has it.
    """
    found = []
    for text in service.links:
        name, _, alias = text.partition(":")
        linked = stack.services.get(name)
        if linked is None:
            continue
        for number in range(1, linked.scale + 1):
            numbered = (f"{name}-{number}", f"{stack.name}-{name}-{number}")
            container = linked.container_name or numbered[1]
            found += [f"{container}:{word}" for word in (alias or name, *numbered)]
    for text in service.external_links:
        name, _, alias = text.partition(":")
        found.append(f"{name}:{alias or name}")
    return list(dict.fromkeys(found))


def port_bindings(service: Service) -> dict[str, list[Body]]:
    """`{"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}`; an empty HostPort lets the engine choose."""
    found: dict[str, list[Body]] = {}
    for port in service.ports:
        binding: Body = {"HostIp": port.host_ip, "HostPort": port.published}
        found.setdefault(f"{port.target}/{port.protocol}", []).append(binding)
    return found
