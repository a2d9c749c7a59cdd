"""Networks on the engine."""

from __future__ import annotations

import contextlib

from devstack.compose.model import Network, Strings
from devstack.engine import observing
from devstack.engine.create.filled import Body, filled
from devstack.engine.observed import ObservedNetwork
from devstack.engine.wire import Wire, message
from devstack.errors import Conflict, EngineRefused, NotFound


def networks(wire: Wire, *, label: str = "", name: str = "") -> tuple[ObservedNetwork, ...]:
    filters = filled({"label": label, "name": f"^{name}$" if name else ""})
    return wire.again("listing networks", lambda c: tuple(map(observing.network, c.networks(filters=filters))))


def network(wire: Wire, name: str) -> ObservedNetwork | None:
    """By its name; an id is no name."""
    return next((found for found in networks(wire, name=name) if found.name == name), None)


def create_body(network: Network, labels: Strings, *, api: tuple[int, int]) -> Body:
    """The JSON of `POST /networks/create`."""
    pools = [
        filled({"Subnet": p.subnet, "Gateway": p.gateway, "IPRange": p.ip_range, "AuxiliaryAddresses": dict(p.aux_addresses)})
        for p in network.ipam
    ]
    ipam = filled({"Driver": network.ipam_driver, "Config": pools, "Options": dict(network.ipam_options)})
    return filled(
        {
            "Name": network.name,
            "Driver": network.driver,
            "Internal": network.internal or None,
            "Attachable": network.attachable or None,
            "EnableIPv4": network.enable_ipv4 if api >= (1, 47) else None,
            "EnableIPv6": network.enable_ipv6,
            "Options": dict(network.driver_opts),
            "IPAM": ipam,
            "Labels": dict(labels),
        }
    ) | ({} if api >= (1, 44) else {"CheckDuplicate": True})


def create(wire: Wire, network_: Network, labels: Strings) -> str:
    """The new network's id, or that of the one with the same name and labels that a lost reply left."""
    doing, body = f"creating network {network_.name}", create_body(network_, labels, api=wire.api)

    def request(client: object) -> str:
        response = wire.client.post(wire.url("/networks/create"), json=body, timeout=wire.timeout)
        if response.status_code >= 400:
            raise _refused(response.status_code, message(response), network_.name, doing)
        return str(response.json()["Id"])

    try:
        return wire.again(doing, request)
    except Conflict:
        found = network(wire, network_.name)
        if found is not None and all(found.labels.get(key) == value for key, value in labels.items()):
            return found.id
        raise


def _refused(status: int, words: str, name: str, doing: str) -> EngineRefused:
    if "fully subnetted" in words:
        return EngineRefused(
            f"network {name} cannot be made: the engine has no addresses left for another network",
            status=status,
            details=[("engine says", words)],
            hints=["look for networks that nothing uses: docker network ls", "remove them: docker network rm <name>"],
        )
    kind = Conflict if status == 409 else EngineRefused
    return kind(words, status=status, details=[("while", doing)])


def remove(wire: Wire, name: str) -> None:
    """One that is gone is fine."""
    with contextlib.suppress(NotFound):
        wire.again(f"removing network {name}", lambda c: c.remove_network(name))


def attach(wire: Wire, name: str, container: str, settings: Body) -> None:
    """Connect a container that has not started; being connected already is fine."""
    body = {"Container": container, "EndpointConfig": settings}
    doing = f"connecting {container} to network {name}"

    def request(client: object) -> None:
        response = wire.client.post(wire.url(f"/networks/{name}/connect"), json=body, timeout=wire.timeout)
        if response.status_code >= 400:
            words = message(response)
            if "already exists" not in words and "already attached" not in words:
                raise _refused(response.status_code, words, name, doing)

    wire.again(doing, request)
