"""`ports` in every form: single ports, ranges, addresses, protocols; one canonical entry for each target port."""

from __future__ import annotations

import ipaddress
import re

from devstack.compose.merge import scalar_text
from devstack.compose.model import Json
from devstack.compose.shapes import Faults
from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, did_you_mean, plain

_PROTOCOLS = ("tcp", "udp", "sctp")
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?", re.ASCII)


class NoPort(ValueError):
    """Something that no reading makes a port of."""


_FORM = "[ADDRESS:][HOST:]CONTAINER[/PROTOCOL]"


def ports(node: Node, path: str, faults: Faults) -> Json:
    """The canonical list; of equal entries the last one stays, where the first one stood."""
    found: dict[tuple[str, ...], dict[str, Json]] = {}
    items = node.items if isinstance(node, SequenceNode) else ()
    for index, item in enumerate(items):
        inner = f"{path}[{index}]"
        try:
            entries = [_long(item)] if isinstance(item, MappingNode) else short_ports(item)
        except ValueError as error:
            faults.add(item, inner, str(error))
            continue
        # Compose tells a host port written as a number in the long form from one written as text.
        published = item.get("published") if isinstance(item, MappingNode) else None
        form = "number" if isinstance(published, ScalarNode) and isinstance(published.value, int) else ""
        for entry in entries:
            found[(*(str(entry.get(name, "")) for name in ("host_ip", "published", "target", "protocol")), form)] = entry
    return list(found.values())


def short_ports(node: Node) -> list[dict[str, Json]]:
    """The entries of a port in its short form, several for a range. Raises `ValueError` with what is wrong with it."""
    if not isinstance(node, ScalarNode):
        return []
    if isinstance(node.value, float):
        raise NoPort(f'{node.text} is a number with a fraction: quote it, "{node.text}"')
    text = scalar_text(node)
    if not text:
        raise ValueError(f"the port is empty: {_FORM}")
    body, slash, protocol = text.partition("/")
    protocol = _protocol(protocol) if slash else "tcp"
    address, host, target = _split(body)
    low, high = _range(target, "container port")
    if low == 0:
        raise NoPort("the container port is missing or 0")
    entry: dict[str, Json] = {"mode": "ingress"}
    if address:
        entry["host_ip"] = _address(address)
    if not host:
        return [{**entry, "target": port, "protocol": protocol} for port in range(low, high + 1)]
    host_low, host_high = _range(host, "host port")
    if low == high:
        # One container port and a range of host ports: the engine takes the first free one.
        return [{**entry, "target": low, "published": host.replace(" ", ""), "protocol": protocol}]
    if host_high - host_low != high - low:
        raise ValueError(f"the ranges {host} and {target} differ in length")
    return [
        {**entry, "target": port, "published": str(host_low + port - low), "protocol": protocol} for port in range(low, high + 1)
    ]


def _split(body: str) -> tuple[str, str, str]:
    """(address, host, container)."""
    if body.startswith("["):
        address, bracket, rest = body[1:].partition("]")
        if not bracket or not rest.startswith(":"):
            raise ValueError(f"the bracket [ of the address is not closed: {_FORM}")
        host, _, target = rest[1:].rpartition(":")
        return address, host, target
    pieces = body.split(":")
    if len(pieces) > 3:
        raise ValueError(f"too many colons: {_FORM}, with an IPv6 address in brackets, [::1]:8080:80")
    if len(pieces) == 3:
        return pieces[0], pieces[1], pieces[2]
    return "", pieces[0] if len(pieces) == 2 else "", pieces[-1]


def _range(text: str, what: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no {what}: a number from 1 to 65535 or a range 8000-8010, in {_FORM}")
    low = int(match[1])
    high = int(match[2]) if match[2] else low
    if high > 65535 or low > 65535:
        raise ValueError(f"the {what} {max(low, high)} is above 65535")
    if high < low:
        raise ValueError(f"the range {text} runs backwards")
    return low, high


def _address(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address; names are not possible here") from None
    return text


def _protocol(text: str) -> str:
    if text.lower() not in _PROTOCOLS:
        hint = did_you_mean(text, _PROTOCOLS)
        raise ValueError(f"the protocol {text!r} is not one of tcp, udp, sctp{f': {hint}' if hint else ''}")
    return text.lower()


def _long(node: MappingNode) -> dict[str, Json]:
    body = plain(node)
    if not isinstance(body, dict):
        return {}
    target = body.get("target")
    if not isinstance(target, int) or target == 0:
        raise ValueError('the key "target", the container port, is missing')
    if not 0 < target <= 65535:
        raise ValueError(f"the container port {target} is not between 1 and 65535")
    published = body.get("published")
    entry: dict[str, Json] = {"mode": body.get("mode") or "ingress", "target": target, "protocol": body.get("protocol") or "tcp"}
    if published not in (None, ""):
        _range(str(published), "host port")
        entry["published"] = str(published)
    if host_ip := body.get("host_ip"):
        entry["host_ip"] = _address(str(host_ip))
    entry["protocol"] = _protocol(str(entry["protocol"]))
    entry.update({key: body[key] for key in ("name", "app_protocol") if body.get(key)})
    return entry
