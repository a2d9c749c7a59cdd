"""Bodies carry what was asked for and nothing else, so that the engine's own defaults hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Body: TypeAlias = dict[str, object]
"""One JSON object of the engine's API."""

NANOSECONDS = 1_000_000_000


def filled(pairs: Mapping[str, object]) -> Body:
    """Only the pairs that say something: no None, no empty text, list or mapping. Zero and False stay."""
    return {key: value for key, value in pairs.items() if value is not None and value not in ("", (), [], {})}


def nanoseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * NANOSECONDS)
