"""Shapes that a value may have. A shape looks at a node, reports what is wrong with it, and gives it back with its type settled.

A shape is a function `(node, path, faults) -> node`; `described` tells it in words for an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from devstack.document import Node, Scalar, ScalarNode, did_you_mean, kind_of
from devstack.errors import Problem, Where


@dataclass(slots=True)
class Faults:
    """Where problems and notes of one load are gathered. Without `casts`, text may stand where a number or a boolean is to be."""

    casts: ClassVar[bool] = True
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


def wrong_kind(node: Node, path: str, faults: Faults, expected: str, hint: str = "") -> Node:
    if (
        not hint
        and isinstance(node, ScalarNode)
        and "text" in expected
        and node.value is not None
        and not isinstance(node.value, str)
    ):
        hint = f'quote it: "{node.text}"'
    faults.add(node, path, f"expected {expected}, got {kind_of(node)}", hint)
    return node


def is_text(node: Node) -> bool:
    return isinstance(node, ScalarNode) and isinstance(node.value, str) and node.tag != "!!timestamp"


def text(node: Node, path: str, faults: Faults) -> Node:
    return node if is_text(node) else wrong_kind(node, path, faults, "text")


def scalar(node: Node, path: str, faults: Faults) -> Node:
    """Text, a number, a boolean or nothing."""
    if isinstance(node, ScalarNode) and node.tag != "!!timestamp":
        return node
    return wrong_kind(node, path, faults, "text or a number", f'quote it: "{node.text}"' if isinstance(node, ScalarNode) else "")


def text_or_number(node: Node, path: str, faults: Faults) -> Node:
    fits = isinstance(node, ScalarNode) and node.value is not None and not isinstance(node.value, bool)
    return node if fits and node.tag != "!!timestamp" else wrong_kind(node, path, faults, "a number or text")


def nullable_text(node: Node, path: str, faults: Faults) -> Node:
    return node if isinstance(node, ScalarNode) and node.value is None else text(node, path, faults)


def _waits(node: Node, faults: Faults) -> bool:
    return not faults.casts and isinstance(node, ScalarNode) and isinstance(node.value, str)


def boolean(node: Node, path: str, faults: Faults) -> Node:
    if _waits(node, faults):
        return node
    if isinstance(node, ScalarNode):
        if isinstance(node.value, bool):
            return node
        if isinstance(node.value, str) and node.value.lower() in _TRUE | _FALSE:
            return replace(node, value=node.value.lower() in _TRUE)
    shown = f" ({node.value!r})" if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""
    faults.add(node, path, f"expected true or false, got {kind_of(node)}{shown}")
    return node


def integer(node: Node, path: str, faults: Faults) -> Node:
    if _waits(node, faults):
        return node
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


def bare_boolean(node: Node, path: str, faults: Faults) -> Node:
    """True or false that is not written as text."""
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        faults.add(
            node, path, f"expected true or false, got text ({node.value!r})", "write it without quotes, and without a variable"
        )
        return node
    return boolean(node, path, faults)


def bare_integer(node: Node, path: str, faults: Faults) -> Node:
    """A whole number that is not written as text."""
    if faults.casts and isinstance(node, ScalarNode) and isinstance(node.value, str):
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
    if _waits(node, faults):
        return node
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
        if other is not None and not is_text(node):
            return other(node, path, faults)
        text(node, path, faults)
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and node.value not in words:
            hint = did_you_mean(node.value, words)
            faults.add(node, path, f"{node.value!r} is not one of {', '.join(words)}", hint)
        return node

    return check


def value_of(node: Node | None) -> Scalar:
    """The value of a scalar node, None for everything else."""
    return node.value if isinstance(node, ScalarNode) else None
