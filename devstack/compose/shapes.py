"""Shapes that a value may have. A shape looks at a node, reports what is wrong with it, and gives it back with its type settled.

A shape is a function `(node, path, faults) -> node`; `described` tells it in words for an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from devstack.document import Entry, MappingNode, Node, Scalar, ScalarNode, SequenceNode, did_you_mean, kind_of
from devstack.errors import Problem, Where


@dataclass(slots=True)
class Faults:
    """Where problems and notes of one load are gathered."""

    problems: list[Problem] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    settled: frozenset[Where] = frozenset()

    def add(self, node: Node | Where, path: str, message: str, hint: str = "") -> None:
        where = node if isinstance(node, Where) else node.where
        if where not in self.settled:
            self.problems.append(Problem(where, message, path, hint))

    def settle(self) -> None:
        """What was found wrong until now is not looked at again: one mistake is said once."""
        self.settled = frozenset(problem.where for problem in self.problems)

    def note(self, text: str) -> None:
        self.notes[text] = None


class Shape(Protocol):
    """What every shape is."""

    def __call__(self, node: Node, path: str, faults: Faults, /) -> Node: ...


_TRUE = frozenset(("true", "yes", "y", "on", "1", "t"))
_FALSE = frozenset(("false", "no", "n", "off", "0", "f"))
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[0-9]+)\Z")


def _wrong(node: Node, path: str, faults: Faults, expected: str, hint: str = "") -> Node:
    if not hint and isinstance(node, ScalarNode) and "text" in expected and node.value is not None and not isinstance(node.value, str):
        hint = f'quote it: "{node.text}"'
    faults.add(node, path, f"expected {expected}, got {kind_of(node)}", hint)
    return node


def _is_text(node: Node) -> bool:
    return isinstance(node, ScalarNode) and isinstance(node.value, str) and node.tag != "!!timestamp"


def text(node: Node, path: str, faults: Faults) -> Node:
    return node if _is_text(node) else _wrong(node, path, faults, "text")


def scalar(node: Node, path: str, faults: Faults) -> Node:
    """Text, a number, a boolean or nothing."""
    if isinstance(node, ScalarNode) and node.tag != "!!timestamp":
        return node
    return _wrong(node, path, faults, "text or a number", f'quote it: "{node.text}"' if isinstance(node, ScalarNode) else "")


def text_or_number(node: Node, path: str, faults: Faults) -> Node:
    fits = isinstance(node, ScalarNode) and node.value is not None and not isinstance(node.value, bool)
    return node if fits and node.tag != "!!timestamp" else _wrong(node, path, faults, "a number or text")


def nullable_text(node: Node, path: str, faults: Faults) -> Node:
    return node if isinstance(node, ScalarNode) and node.value is None else text(node, path, faults)


def boolean(node: Node, path: str, faults: Faults) -> Node:
    if isinstance(node, ScalarNode):
        if isinstance(node.value, bool):
            return node
        if isinstance(node.value, str) and node.value.lower() in _TRUE | _FALSE:
            return replace(node, value=node.value.lower() in _TRUE)
    shown = f" ({node.value!r})" if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""
    faults.add(node, path, f"expected true or false, got {kind_of(node)}{shown}")
    return node


def integer(node: Node, path: str, faults: Faults) -> Node:
    if isinstance(node, ScalarNode) and not isinstance(node.value, bool):
        if isinstance(node.value, int) or (isinstance(node.value, float) and node.value.is_integer()):
            return replace(node, value=int(node.value))
        if isinstance(node.value, str) and _INTEGER.match(node.value):
            return replace(node, value=_go_integer(node.value))
    shown = f" ({node.value!r})" if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""
    faults.add(node, path, f"expected a whole number, got {kind_of(node)}{shown}")
    return node


def _go_integer(digits: str) -> int:
    """Text to a number with Go's prefixes, where a leading zero means octal."""
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-").lower()
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def bare_integer(node: Node, path: str, faults: Faults) -> Node:
    """A whole number that is not written as text."""
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        faults.add(node, path, f"expected a whole number, got text ({node.value!r})", "write it without quotes")
        return node
    return integer(node, path, faults)


def between(low: int, high: int) -> Shape:
    """A whole number within bounds."""

    def check(node: Node, path: str, faults: Faults) -> Node:
        checked = integer(node, path, faults)
        value = value_of(checked)
        if isinstance(value, int) and not low <= value <= high:
            faults.add(node, path, f"{value} is not between {low} and {high}")
        return checked

    return check


def number(node: Node, path: str, faults: Faults) -> Node:
    if isinstance(node, ScalarNode) and not isinstance(node.value, bool):
        if isinstance(node.value, (int, float)):
            return node
        if isinstance(node.value, str):
            try:
                return replace(node, value=float(node.value))
            except ValueError:
                pass
    shown = f" ({node.value!r})" if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""
    faults.add(node, path, f"expected a number, got {kind_of(node)}{shown}")
    return node


def anything(node: Node, path: str, faults: Faults) -> Node:
    return node


def matching(pattern: str, expected: str) -> Shape:
    """Text that fits a pattern."""
    compiled = re.compile(pattern)

    def check(node: Node, path: str, faults: Faults) -> Node:
        text(node, path, faults)
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and not compiled.fullmatch(node.value):
            faults.add(node, path, f"{node.value!r} is not {expected}")
        return node

    return check


def one_of(*words: str, other: Shape | None = None) -> Shape:
    """One of a few words; `other` accepts what is no text."""

    def check(node: Node, path: str, faults: Faults) -> Node:
        if other is not None and not _is_text(node):
            return other(node, path, faults)
        text(node, path, faults)
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and node.value not in words:
            hint = did_you_mean(node.value, words)
            faults.add(node, path, f"{node.value!r} is not one of {', '.join(words)}", hint)
        return node

    return check


def listing(item: Shape, *, expected: str = "a list") -> Shape:
    def check(node: Node, path: str, faults: Faults) -> Node:
        if not isinstance(node, SequenceNode):
            return _wrong(node, path, faults, expected)
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
    return node if _is_text(node) else _wrong(node, path, faults, "text or a list")


def dictionary(value: Shape) -> Shape:
    """Any keys, all values of one shape."""

    def check(node: Node, path: str, faults: Faults) -> Node:
        if not isinstance(node, MappingNode):
            return _wrong(node, path, faults, "a mapping")
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
    return _wrong(node, path, faults, "a mapping or a list of NAME=value")


def either(short: Shape, long: Shape, *, expected: str) -> Shape:
    """A scalar or a container: `short` judges scalars, `long` mappings; lists are judged by whichever of the two knows them."""

    def check(node: Node, path: str, faults: Faults) -> Node:
        if isinstance(node, ScalarNode):
            return short(node, path, faults) if node.value is not None else _wrong(node, path, faults, expected)
        if isinstance(node, MappingNode):
            return long(node, path, faults)
        return _wrong(node, path, faults, expected)

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
            return _wrong(node, path, faults, f"{what}, a mapping")
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


def value_of(node: Node | None) -> Scalar:
    """The value of a scalar node, None for everything else."""
    return node.value if isinstance(node, ScalarNode) else None


Lookup = Callable[[str], str | None]
