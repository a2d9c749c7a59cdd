"""Shapes of lists and mappings, made of other shapes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from devstack.compose.shapes import Faults, Shape, is_text, scalar, text, wrong_kind
from devstack.document import Entry, MappingNode, Node, ScalarNode, SequenceNode, did_you_mean


def listing(item: Shape, *, expected: str = "a list") -> Shape:
    def check(node: Node, path: str, faults: Faults) -> Node:
        if not isinstance(node, SequenceNode):
            return wrong_kind(node, path, faults, expected)
        return replace(node, items=tuple(item(child, f"{path}[{i}]", faults) for i, child in enumerate(node.items)))

    return check


def unique_texts(node: Node, path: str, faults: Faults) -> Node:
    """A list of text in which nothing stands twice."""
    checked = listing(text)(node, path, faults)
    seen: dict[object, int] = {}
    for index, item in enumerate(checked.items if isinstance(checked, SequenceNode) else ()):
        value = item.value if isinstance(item, ScalarNode) else None
        if value in seen:
            faults.add(item, f"{path}[{index}]", f"{value!r} stands here twice", f"the first is {path}[{seen[value]}]")
        seen.setdefault(value, index)
    return checked


def text_or_list(node: Node, path: str, faults: Faults) -> Node:
    if isinstance(node, SequenceNode):
        return listing(text)(node, path, faults)
    return node if is_text(node) else wrong_kind(node, path, faults, "text or a list")


def dictionary(value: Shape) -> Shape:
    """Any keys, all values of one shape."""

    def check(node: Node, path: str, faults: Faults) -> Node:
        if not isinstance(node, MappingNode):
            return wrong_kind(node, path, faults, "a mapping")
        return replace(node, entries=tuple(_entry(entry, value, path, faults) for entry in node.entries))

    return check


def _entry(entry: Entry, shape: Shape, path: str, faults: Faults) -> Entry:
    if entry.value.tag == "!reset":
        return entry
    value = shape(entry.value, f"{path}.{entry.key}" if path else entry.key, faults)
    return entry if value is entry.value else Entry(entry.key, entry.where, value)


_SCALARS = dictionary(scalar)
_TEXTS = listing(text)


def list_or_dict(node: Node, path: str, faults: Faults) -> Node:
    """`[NAME=value]` or `{NAME: value}`."""
    if isinstance(node, MappingNode):
        return _SCALARS(node, path, faults)
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.items):
            if isinstance(item, MappingNode) and len(item.entries) == 1:
                faults.add(item, f"{path}[{index}]", "a list holds NAME=value", "drop the dashes, or write an equals sign")
            else:
                text(item, f"{path}[{index}]", faults)
        return node
    return wrong_kind(node, path, faults, "a mapping or a list of NAME=value")


def either(short: Shape, long: Shape, *, expected: str) -> Shape:
    """A scalar or a container: `short` judges scalars, `long` mappings; lists are judged by whichever of the two knows them."""

    def check(node: Node, path: str, faults: Faults) -> Node:
        if isinstance(node, ScalarNode):
            return short(node, path, faults) if node.value is not None else wrong_kind(node, path, faults, expected)
        if isinstance(node, MappingNode):
            return long(node, path, faults)
        return wrong_kind(node, path, faults, expected)

    return check


def list_or(items: Shape, other: Shape) -> Shape:
    """A list of `items`, or what `other` accepts."""
    as_list = listing(items)

    def check(node: Node, path: str, faults: Faults) -> Node:
        return as_list(node, path, faults) if isinstance(node, SequenceNode) else other(node, path, faults)

    return check


def unique_or(other: Shape) -> Shape:
    """A list of text in which nothing stands twice, or what `other` accepts."""

    def check(node: Node, path: str, faults: Faults) -> Node:
        return unique_texts(node, path, faults) if isinstance(node, SequenceNode) else other(node, path, faults)

    return check


def optional(shape: Shape) -> Shape:
    """The shape, or nothing at all."""

    def check(node: Node, path: str, faults: Faults) -> Node:
        return node if isinstance(node, ScalarNode) and node.value is None else shape(node, path, faults)

    return check


def mapping(
    keys: Mapping[str, Shape],
    *,
    what: str,
    required: Collection[str] = (),
    synonyms: Mapping[str, str] | None = None,
) -> Shape:
    """Known keys only, besides `x-...`. `what` names the thing in errors ("a service"); `synonyms` are frequent wrong words."""

    def check(node: Node, path: str, faults: Faults) -> Node:
        if not isinstance(node, MappingNode):
            return wrong_kind(node, path, faults, f"{what}, a mapping")
        entries: list[Entry] = []
        for entry in node.entries:
            shape = keys.get(entry.key)
            if shape is not None:
                entries.append(_entry(entry, shape, path, faults))
            elif entry.key.startswith("x-"):
                entries.append(entry)
            else:
                better = (synonyms or {}).get(entry.key)
                hint = f'did you mean "{better}"?' if better else did_you_mean(entry.key, keys)
                faults.add(entry.where, path, f'unknown key "{entry.key}" in {what}', hint or _known(keys))
        for key in required:
            if node.entry(key) is None:
                faults.add(node, path, f'the key "{key}" is missing in {what}')
        return replace(node, entries=tuple(entries))

    return check


def _known(keys: Mapping[str, Shape]) -> str:
    names = sorted(keys)
    return f"known: {', '.join(names)}" if len(names) <= 12 else ""
