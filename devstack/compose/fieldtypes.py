"""Canonical values of the field types that many keys share: text maps, lists, sizes, durations, commands."""

from __future__ import annotations

from collections.abc import Callable

from devstack.compose.merge import as_list, host_list, keyed, scalar_text
from devstack.compose.model import Json
from devstack.compose.shapes import Faults
from devstack.compose.shellwords import split
from devstack.compose.units import duration_text, nanoseconds, size
from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, plain

Canonical = Callable[[Node, str, Faults], Json]
"""Node, its path, where problems go -> the canonical value."""


def as_is(node: Node, path: str, faults: Faults) -> Json:
    return plain(node)


def whole(node: Node, path: str, faults: Faults) -> Json:
    """A whole number, 0 meaning unset."""
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, str):
        try:
            return int(value, 0) if not value.startswith("0") or len(value) == 1 else int(value, 8)
        except ValueError:
            faults.add(node, path, f"{value!r} is no whole number")
            return None
    return int(value) if isinstance(value, (int, float)) else None


def decimal(node: Node, path: str, faults: Faults) -> Json:
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            faults.add(node, path, f"{value!r} is no number", "write 0.5, with a point" if "," in value else "")
            return None
    return value


def size_text(node: Node, path: str, faults: Faults) -> Json:
    """Bytes as text; 0 means unset."""
    value = node.value if isinstance(node, ScalarNode) else None
    if value is None or isinstance(value, bool):
        return None
    try:
        count = size(value)
    except ValueError as error:
        faults.add(node, path, str(error))
        return None
    return str(count) if count else None


def duration(node: Node, path: str, faults: Faults) -> Json:
    try:
        return duration_text(nanoseconds(scalar_text(node))) if isinstance(node, ScalarNode) else None
    except ValueError as error:
        faults.add(node, path, str(error))
        return None


def texts(node: Node, path: str, faults: Faults) -> Json:
    """A list of text; a single value counts as a list of one."""
    return [scalar_text(item) for item in items(as_list(node)) if isinstance(item, ScalarNode)]


def unique_texts(node: Node, path: str, faults: Faults) -> Json:
    """A list of text in which each stands once."""
    return list(dict.fromkeys(scalar_text(item) for item in items(as_list(node)) if isinstance(item, ScalarNode)))


def items(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, SequenceNode) else ()


def labels(node: Node, path: str, faults: Faults) -> Json:
    """NAME: text; a name alone is ""."""
    return text_map(keyed(node))


def text_map(node: Node) -> dict[str, Json]:
    if not isinstance(node, MappingNode):
        return {}
    return {entry.key: scalar_text(entry.value) for entry in node.entries if isinstance(entry.value, ScalarNode)}


def options(node: Node, path: str, faults: Faults) -> Json:
    return text_map(node)


def environment(node: Node, path: str, faults: Faults) -> Json:
    """NAME: text, or nothing for a name that is taken from the environment."""
    found: dict[str, Json] = {}
    mapping = keyed(node)
    for entry in mapping.entries if isinstance(mapping, MappingNode) else ():
        if entry.key != entry.key.strip():
            faults.add(entry.where, path, f"the variable {entry.key!r} has a blank at its end", "write NAME=value without blanks")
        elif isinstance(entry.value, ScalarNode):
            found[entry.key] = None if entry.value.value is None else scalar_text(entry.value)
    return found


def command(node: Node, path: str, faults: Faults) -> Json:
    """The words of a command; nothing for the image's own."""
    if isinstance(node, SequenceNode):
        return texts(node, path, faults)
    if not isinstance(node, ScalarNode) or node.value is None:
        return None
    try:
        words, operator = split(scalar_text(node))
    except ValueError as error:
        faults.add(node, path, f"the command cannot be split into words: {error}")
        return None
    if operator and operator != "#":
        hint = f'everything from "{operator}" on is dropped, as Compose does; run a shell for it: ["sh", "-c", "..."]'
        faults.note(f"{node.where}: {path}: {hint}")
    return list(words)


def hosts(node: Node, path: str, faults: Faults) -> Json:
    """`name=address`, sorted by name."""
    found: dict[str, list[str]] = {}
    for item in host_list(node).items:
        name, _, address = scalar_text(item).partition("=") if isinstance(item, ScalarNode) else ("", "", "")
        if not address:
            faults.add(item, path, f"the host {name!r} has no address", 'write "name=address"')
        else:
            # One address written in two forms, "a:1" and "a=1", stays twice: so it is in Compose.
            found.setdefault(name, []).append(address)
    return [f"{name}={address}" for name in sorted(found) for address in found[name]]


def section(fields: dict[str, Canonical], *, keep: frozenset[str] = frozenset()) -> Canonical:
    """A mapping with a canonical type for each key; what comes out empty is left out unless it is in `keep`."""

    def canonical(node: Node, path: str, faults: Faults) -> Json:
        found: dict[str, Json] = {}
        for entry in node.entries if isinstance(node, MappingNode) else ():
            make = fields.get(entry.key)
            if make is None:
                continue
            value = make(entry.value, f"{path}.{entry.key}", faults)
            if entry.key in keep or not is_empty(value):
                found[entry.key] = value
        return found

    return canonical


def each(make: Canonical) -> Canonical:
    """A list of things of one type."""

    def canonical(node: Node, path: str, faults: Faults) -> Json:
        return [make(item, f"{path}[{index}]", faults) for index, item in enumerate(items(node))]

    return canonical


def is_empty(value: Json) -> bool:
    """What Go leaves out: nothing, "", 0, false, empty lists and mappings."""
    return value is None or value is False or value in ("", 0, [], {})


def ulimits(node: Node, path: str, faults: Faults) -> Json:
    found: dict[str, Json] = {}
    for entry in node.entries if isinstance(node, MappingNode) else ():
        value = plain(entry.value)
        if isinstance(value, dict):
            found[entry.key] = {key: limit for key, limit in value.items() if key in ("soft", "hard") and limit}
        else:
            found[entry.key] = value or {}
    return found


def files_used(node: Node, path: str, faults: Faults, folder: str = "") -> Json:
    """Uses of secrets or configs, each target once; `folder` is where one without a target appears."""
    found: dict[str, Json] = {}
    for index, item in enumerate(items(node)):
        body = plain(item)
        if isinstance(body, str):
            body = {"source": body}
        if not isinstance(body, dict):
            continue
        if not body.get("source"):
            faults.add(item, f"{path}[{index}]", 'the key "source" is missing')
            continue
        use: dict[str, Json] = {key: value for key, value in body.items() if key in ("source", "target", "uid", "gid") and value}
        if folder and "target" not in use:
            use["target"] = f"{folder}{use['source']}"
        mode = body.get("mode")
        if isinstance(mode, int):
            use["mode"] = f"0{mode:o}"
        found[str(use.get("target") or f"/{use['source']}")] = use
    return list(found.values())
