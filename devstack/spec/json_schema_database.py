"""The JSON Schema of one entry of `schema:`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from devstack.spec.schema import EDITED, OUT_OF_ORDER, PATTERNS, TRANSACTION
from devstack.spec.tools import TOOLS

if TYPE_CHECKING:
    from devstack.compose.model import Json, JsonObject

_TEXT: JsonObject = {"type": "string"}
_TEXTS: JsonObject = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_VALUES: JsonObject = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}


def _one_of(words: tuple[str, ...]) -> dict[str, Json]:
    return {"enum": list(words), "default": words[0]}


def _policy(words: tuple[str, ...]) -> JsonObject:
    word: Json = _one_of(words)
    both: Json = {"type": "object", "properties": {"dev": word, "ci": word}, "additionalProperties": False}
    return {"anyOf": [word, both]}


_KEYS: Mapping[str, tuple[JsonObject, str]] = {
    "service": (_TEXT, "The service whose server it is"),
    "database": (_TEXT, "The database; the service's own when not given"),
    "files": (_TEXTS, "SQL files or patterns, applied in order, each once; with a tool: the files the tool reads"),
    "roles": (_TEXTS, "Run before all others, and again when changed; they may be run any number of times"),
    "repeatable": (_TEXTS, "Run after the files, and again when changed: views, functions"),
    "seeds": (_TEXTS, "Data, last of all, each once; devstack up --no-seed leaves them out"),
    "reseed": ({"type": "boolean", "default": False}, "Run a seed again when it has changed"),
    "variables": (_VALUES, "Values for :name in the SQL files, as in psql"),
    "out_of_order": (_policy(OUT_OF_ORDER), "What to do with a new file that sorts before applied ones"),
    "edited": (_policy(EDITED), "What to do when a file was edited after it was applied"),
    "transaction": (_one_of(TRANSACTION), "none: files run without a transaction unless they say otherwise"),
    "lock": (_TEXT, "Where `devstack schema lock` writes the fingerprint (db/schema.lock)"),
    "tool": ({"enum": list(TOOLS)}, "The project's own migration tool"),
    "run": (_TEXT, "The service whose image has the tool"),
    "directory": (_TEXT, "The folder in the container where the tool runs; the service's own when not given"),
    "command": (_TEXTS, "What migrates, instead of the tool's usual command"),
    "status": (_TEXTS, "What ends with 0 when nothing is pending"),
    "drift": (_TEXTS, "What ends with 0 when models and database agree"),
}


def schema_entry() -> dict[str, Json]:
    """One database."""
    needs: list[Json] = [{"required": [key]} for key in (*PATTERNS, "tool")]
    tool: Json = {"if": {"required": ["tool"]}, "then": {"required": ["run"]}}
    return {
        "type": "object",
        "properties": {key: {**shape, "description": text} for key, (shape, text) in _KEYS.items()},
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
        "allOf": [{"anyOf": needs}, tool],
    }
