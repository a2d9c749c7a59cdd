"""Documents as trees of nodes that know where they stand in their file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from devstack.errors import Where

if TYPE_CHECKING:
    from devstack.compose.model import Json

Scalar: TypeAlias = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value. `text` is what stands in the file, `value` what it means; a date is text with the tag "!!timestamp"."""

    value: Scalar
    text: str
    where: Where
    quoted: bool = False
    tag: str = ""


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    where: Where
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping; `where` is the key's place."""

    key: str
    where: Where
    value: Node


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping with unique text keys, in the order of the file; keys brought in by `<<` come last."""

    entries: tuple[Entry, ...]
    where: Where
    tag: str = ""

    def get(self, key: str) -> Node | None:
        """The value of `key`, None when it is missing."""
        entry = self.entry(key)
        return None if entry is None else entry.value

    def entry(self, key: str) -> Entry | None:
        """The entry of `key` with its place, None when it is missing."""
        for entry in self.entries:
            if entry.key == key:
                return entry
        return None

    def keys(self) -> tuple[str, ...]:
        return tuple(entry.key for entry in self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


def plain(node: Node) -> Json:
    """The document without its positions."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.items]
    return {entry.key: plain(entry.value) for entry in node.entries}


def node_of(value: Json, where: Where) -> Node:
    """A document made of plain values; every node of it stands at `where`."""
    if isinstance(value, dict):
        return MappingNode(tuple(Entry(str(key), where, node_of(item, where)) for key, item in value.items()), where)
    if isinstance(value, (list, tuple)):
        return SequenceNode(tuple(node_of(item, where) for item in value), where)
    if isinstance(value, str):
        return ScalarNode(value, value, where, quoted=True)
    if value is None:
        return ScalarNode(None, "", where)
    return ScalarNode(value, str(value).lower() if isinstance(value, bool) else repr(value), where)


def kind_of(node: Node) -> str:
    """What a node is, in words for an error: "a list", "a mapping", "text", "the number 3"."""
    if isinstance(node, SequenceNode):
        return "a list"
    if isinstance(node, MappingNode):
        return "a mapping"
    match node.value:
        case None:
            return "nothing"
        case bool():
            return f"the boolean {node.text}"
        case int() | float():
            return f"the number {node.text}"
        case _:
            return "a date" if node.tag == "!!timestamp" else "text"
