"""Shapes of values that a check takes and a kind of service has no use for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, kind_of, plain
from devstack.spec.options import TYPES, Wrong

if TYPE_CHECKING:
    from devstack.compose.model import Json

_UNITS = {"us": 1e-6, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def seconds_of(text: str) -> float | None:
    """A duration as text ("1m30s") in seconds, None when it is none."""
    if not re.fullmatch(r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d|w))+", text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)", text)) or None


def _value(node: Node) -> Json:
    if isinstance(node, ScalarNode | MappingNode):
        return plain(node)
    raise Wrong(f"a single value is expected, this is {kind_of(node)}")


def _texts(node: Node) -> Json:
    items = node.items if isinstance(node, SequenceNode) else (node,)
    found: list[Json] = []
    for item in items:
        if not isinstance(item, ScalarNode) or item.value is None:
            raise Wrong(f"text is expected, this is {kind_of(item)}", node=item)
        found.append(item.text)
    return found


def _object(node: Node) -> Json:
    if not isinstance(node, MappingNode):
        raise Wrong(f"a mapping (key: value) is expected, this is {kind_of(node)}")
    return plain(node)


def _integers(node: Node) -> Json:
    items = node.items if isinstance(node, SequenceNode) else (node,)
    return [TYPES["integer"](item) for item in items]


def _number(node: Node) -> Json:
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise Wrong(f"a number is expected, this is {kind_of(node)}")


READERS: Mapping[str, Callable[[Node], Json]] = MappingProxyType(
    {"value": _value, "texts": _texts, "object": _object, "integers": _integers, "number": _number}
)
