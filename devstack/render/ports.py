"""Ports as people write them: published on 127.0.0.1 unless they say otherwise, with a variable for each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from devstack.document import Entry, MappingNode, Node, ScalarNode, SequenceNode

LOCAL = "127.0.0.1"
_VARIABLE = r"\$\{[^}]*\}|\$[A-Za-z_]\w*"
_SHORT = re.compile(
    rf"(?:127\.0\.0\.1:(?=[^:]*:))?(?:(?P<published>\d+(?:-\d+)?|{_VARIABLE})?:)?(?P<target>\d+(?:-\d+)?)(?P<protocol>/\w+)?\Z"
)


@dataclass(frozen=True, slots=True)
class WrittenPort:
    """One entry of `ports:`. `plain`: one host port on no address but our own default, so that it may get a variable.

    `target` is 0 for a range; `published` 0 where the entry names none or a variable.
    """

    node: Node
    target: int
    published: int
    protocol: str
    plain: bool


def ports_of(overlay: MappingNode) -> tuple[WrittenPort, ...]:
    """The entries of `ports:` that can be understood without filling in variables."""
    node = overlay.get("ports")
    items = node.items if isinstance(node, SequenceNode) else ()
    return tuple(port for port in map(_read, items) if port is not None)


def _read(node: Node) -> WrittenPort | None:
    if isinstance(node, MappingNode):
        target, published, protocol, ip = (_text(node.get(key)) for key in ("target", "published", "protocol", "host_ip"))
        if not target.isdigit():
            return None
        plain = not ip and published.isdigit()
        return WrittenPort(node, int(target), int(published) if published.isdigit() else 0, protocol or "tcp", plain)
    text = _text(node)
    match = _SHORT.match(text)
    if match is None:  # with an address, or wrong: the Compose loader tells
        end = re.search(r":(\d+)(?:/(\w+))?\Z", text)
        return WrittenPort(node, int(end[1]), 0, end[2] or "tcp", False) if end else None
    published, protocol = match["published"] or "", (match["protocol"] or "/tcp")[1:]
    number = int(match["target"]) if match["target"].isdigit() else 0
    if not number:
        return WrittenPort(node, 0, 0, protocol, False)
    return WrittenPort(node, number, int(published) if published.isdigit() else 0, protocol, published.isdigit())


def variable_of(prefix: str, port: WrittenPort, several: bool) -> str:
    """The variable of a plain port: MAIL_PORT, or MAIL_PORT_8025 where the service has several."""
    name = f"{prefix}_PORT_{port.target}" if several else f"{prefix}_PORT"
    return name if port.protocol == "tcp" else f"{name}_{port.protocol.upper()}"


def rewritten(overlay: MappingNode, dropped: Iterable[WrittenPort], variables: dict[int, str]) -> MappingNode:
    """The overlay with its ports bound to 127.0.0.1; `variables` maps id(node) to the variable of that entry."""
    entry = overlay.entry("ports")
    if entry is None or not isinstance(entry.value, SequenceNode):
        return overlay
    gone = {id(port.node) for port in dropped}
    items = tuple(_local(item, variables.get(id(item), "")) for item in entry.value.items if id(item) not in gone)
    ports = SequenceNode(items, entry.value.where, entry.value.tag)
    entries = tuple(Entry("ports", item.where, ports) if item is entry else item for item in overlay.entries)
    kept = tuple(item for item in entries if item.key != "ports" or items or ports.tag)
    return MappingNode(kept, overlay.where, overlay.tag)


def _local(node: Node, variable: str) -> Node:
    if isinstance(node, MappingNode):
        return _local_long(node, variable)
    text = _text(node)
    match = _SHORT.match(text)
    if match is None:
        return node
    published = match["published"] or ""
    if variable:
        published = f"${{{variable}:-{published}}}"
    shown = f"{LOCAL}:{published}:{match['target']}{match['protocol'] or ''}"
    return ScalarNode(shown, shown, node.where, quoted=True)


def _local_long(node: MappingNode, variable: str) -> MappingNode:
    entries = [entry for entry in node if not (variable and entry.key == "published")]
    if variable:
        value = f"${{{variable}:-{_text(node.get('published'))}}}"
        entries.append(Entry("published", node.where, ScalarNode(value, value, node.where, quoted=True)))
    if node.get("host_ip") is None:
        entries.append(Entry("host_ip", node.where, ScalarNode(LOCAL, LOCAL, node.where, quoted=True)))
    return MappingNode(tuple(entries), node.where, node.tag)


def _text(node: Node | None) -> str:
    return str(node.value) if isinstance(node, ScalarNode) and node.value is not None else ""
