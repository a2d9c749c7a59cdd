"""Digests of single fields of a service, so that a plan can say which key changed without keeping any value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from devstack.compose.model import Json, JsonObject

# One digest for each of their keys; every other field has one for its whole value.
_BY_KEY = ("annotations", "build", "depends_on", "deploy", "environment", "healthcheck", "labels", "networks", "sysctls", "ulimits")


def fields(canonical: JsonObject) -> dict[str, str]:
    """{"environment.LOG_LEVEL": "1f3a9c02", "image": ...}: path of each field to a short digest of its value."""
    return {path: _digest(value) for path, value in _paths(canonical)}


def _paths(canonical: JsonObject) -> Iterator[tuple[str, Json]]:
    for key in sorted(canonical):
        value = canonical[key]
        if key in _BY_KEY and isinstance(value, dict) and value:
            yield from ((f"{key}.{name}", value[name]) for name in sorted(value))
        elif value is not None:
            yield key, value


def _digest(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The paths that were added, removed or have another value, sorted."""
    return tuple(sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path)))
