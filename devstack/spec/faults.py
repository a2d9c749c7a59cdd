"""Collects every problem of a document, so that all are told at once, and reads plain shapes out of nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from devstack.document import Entry, MappingNode, Node, ScalarNode, SequenceNode, did_you_mean, kind_of, with_excerpts
from devstack.errors import Problem, SpecError, Where

# Templates mark the places of variables with these two characters, so that no value may hold them.
MARKS = ("\ue000", "\ue001")


class Faults:
    """The problems found so far. `sources` are the texts of the files, for the excerpts."""

    def __init__(self, sources: Mapping[str, str] | None = None) -> None:
        self.found: list[Problem] = []
        self.sources = dict(sources or {})

    def add(self, place: Node | Entry | Where, message: str, path: str = "", hint: str = "") -> None:
        where = place if isinstance(place, Where) else place.where
        self.found.append(Problem(where, message, path, hint))

    def merge(self, error: SpecError) -> None:
        self.found.extend(error.problems)

    def raise_all(self) -> None:
        """Raise what was found, in the order of the files; nothing when nothing was found."""
        if self.found:
            raise SpecError(with_excerpts(self.found, self.sources))

    # Shapes. Each takes a node and its path, and answers None (or empty) after telling the problem.

    def mapping(self, node: Node | None, path: str) -> MappingNode | None:
        if node is None or (isinstance(node, ScalarNode) and node.value is None):
            return None
        if isinstance(node, MappingNode):
            return node
        self.add(node, f"a mapping (key: value) is expected, this is {kind_of(node)}", path)
        return None

    def text(self, node: Node | None, path: str) -> str | None:
        if node is None:
            return None
        if isinstance(node, ScalarNode):
            if isinstance(node.value, str) and node.value.strip() and not any(mark in node.value for mark in MARKS):
                return node.value
            if isinstance(node.value, str):
                self.add(node, "is empty" if not node.value.strip() else "holds a private-use character (U+E000 or U+E001)", path)
                return None
            if node.value is not None:
                self.add(node, f"text is expected, this is {kind_of(node)}", path, f'quote it: "{node.text}"')
                return None
        self.add(node, f"text is expected, this is {kind_of(node)}", path)
        return None

    def texts(self, node: Node | None, path: str) -> tuple[tuple[str, Node], ...]:
        """A text or a list of texts, each with its node."""
        if node is None:
            return ()
        items = (
            [(item, f"{path}[{index}]") for index, item in enumerate(node.items)]
            if isinstance(node, SequenceNode)
            else [(node, path)]
        )
        if isinstance(node, MappingNode):
            self.add(node, "a list is expected, this is a mapping", path)
            return ()
        found = ((self.text(item, place), item) for item, place in items)
        return tuple((value, item) for value, item in found if value is not None)

    def boolean(self, node: Node | None, path: str, default: bool = False) -> bool:
        if node is None:
            return default
        if isinstance(node, ScalarNode) and isinstance(node.value, bool):
            return node.value
        self.add(node, f"true or false is expected, this is {kind_of(node)}", path)
        return default

    def unknown(self, node: MappingNode, known: Iterable[str], path: str, noun: str) -> Iterator[Entry]:
        """The entries whose key is known; the others are told, with the nearest known key. `x-` keys pass silently."""
        names = tuple(known)
        for entry in node:
            if entry.key in names:
                yield entry
            elif not entry.key.startswith("x-"):
                hint = did_you_mean(entry.key, names) or f"{noun} has: {', '.join(sorted(names)[:40])}"
                self.add(entry, f'unknown key "{entry.key}"', path, hint)
