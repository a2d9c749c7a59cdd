"""Typed looks at canonical values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from devstack.compose.model import EMPTY, Json, Strings

Body: TypeAlias = Mapping[str, Json]


def text(body: Body, key: str) -> str:
    value = body.get(key)
    return "" if value is None else str(value)


def optional_text(body: Body, key: str) -> str | None:
    return text(body, key) or None


def boolean(body: Body, key: str) -> bool | None:
    value = body.get(key)
    return value if isinstance(value, bool) else None


def whole(body: Body, key: str) -> int | None:
    value = body.get(key)
    return int(value) if isinstance(value, (int, float)) else None


def number(body: Body, key: str) -> int | None:
    """A count that is printed as text, as sizes are."""
    value = body.get(key)
    return int(value) if isinstance(value, (str, int, float)) and value != "" else None


def real(body: Body, key: str) -> float | None:
    value = body.get(key)
    return float(value) if isinstance(value, (int, float)) else None


def names(body: Body, key: str) -> tuple[str, ...]:
    value = body.get(key)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def strings(body: Body, key: str) -> Strings:
    value = body.get(key)
    return {name: str(item) for name, item in value.items()} if isinstance(value, dict) and value else EMPTY


def pairs(body: Body, key: str) -> tuple[tuple[str, Json], ...]:
    value = body.get(key)
    return tuple(value.items()) if isinstance(value, dict) else ()


def bodies(value: Json) -> tuple[dict[str, Json], ...]:
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def section(body: Body, key: str) -> dict[str, Json]:
    value = body.get(key)
    return value if isinstance(value, dict) else {}
