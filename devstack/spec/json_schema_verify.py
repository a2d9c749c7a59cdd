"""The JSON Schema of the `verify:` section, made from the declared kinds of probes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from devstack.spec.options import Option
from devstack.spec.probes import BUILT_IN, PROBES, ProbeKind

if TYPE_CHECKING:
    from devstack.compose.model import Json

_DURATION: dict[str, Json] = {
    "type": "string",
    "pattern": "^((?:\\d+(?:\\.\\d+)?(?:us|ms|s|m|h|d|w))+|.*\\$.*)$",
    "examples": ["60s", "1m30s"],
}
_TEXTS: dict[str, Json] = {
    "anyOf": [
        {"type": ["string", "number", "boolean"]},
        {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
    ]
}
_SHAPES: Mapping[str, dict[str, Json]] = {
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": 0},
    "integers": {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "array", "items": {"type": "integer", "minimum": 0}}],
    },
    "number": {"type": "number"},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "duration": _DURATION,
    "command": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["string", "number"]}}]},
    "mapping": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
    "object": {"type": "object"},
    "texts": _TEXTS,
    "value": {"type": ["string", "number", "boolean", "object", "null"]},
}
_ALLOW = {
    "secrets": "Variables that may have their value in a file that is committed",
    "ports": "Services that may publish on all addresses",
    "images": "Services or images that need no fixed tag",
    "docker_socket": "Services that may mount the engine's socket",
    "privileged": "Services that may run privileged",
    "host_network": "Services that may use the host's network or processes",
    "mounts": "Services whose data may go with their containers",
    "logs": "Regular expressions of log lines that are no errors",
    "dockerignore": "Folders that need no .dockerignore",
}
_ID: dict[str, Json] = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$"}


def verify_schema() -> Json:
    """The section as a whole."""
    allow: dict[str, Json] = {key: {**_TEXTS, "description": text} for key, text in _ALLOW.items()}
    reload: dict[str, Json] = {
        "service": {"type": "string"},
        "file": {"type": "string", "description": "The file on the host, below the project's folder"},
        "replace": {"type": "string", "description": "A text that stands in it"},
        "with": {"type": "string", "description": "What is put there; the service must then answer with it"},
        "port": _SHAPES["port"],
        "path": {"type": "string", "description": "The path that is asked for (/)"},
        "within": _DURATION,
    }
    required: list[Json] = ["service", "file", "replace", "with"]
    return _closed(
        {
            "startup": {**_DURATION, "description": "How long a cold start may take (60s)"},
            "window": {**_DURATION, "description": "How long everything must stay healthy (3s)"},
            "criteria": {"type": "array", "items": _criterion(), "description": "The team's acceptance list"},
            "checks": {"type": "array", "items": _own(), "description": "The project's own checks"},
            "allow": {**_closed(allow), "description": "What would be a failure and is meant, by name"},
            "reload": {"type": "array", "items": {**_closed(reload), "required": required}, "description": "Edits that are served"},
        }
    )


def _criterion() -> Json:
    own: dict[str, Json] = {"id": _ID, "text": {"type": "string", "description": "The criterion in the team's own words"}}
    listed: Json = {
        "type": "array",
        "items": {"anyOf": [{"type": "string"}, *(_one(kind, {}) for kind in PROBES.values()), _built({})]},
    }
    several: dict[str, Json] = _closed({**own, "check": listed})
    several["required"] = ["id", "text", "check"]
    return {"anyOf": [*(_one(kind, own) for kind in PROBES.values()), _built(own), several]}


def _own() -> Json:
    own: dict[str, Json] = {
        "id": _ID,
        "title": {"type": "string"},
        "severity": {"enum": ["error", "warning", "info"]},
    }
    return {"anyOf": [_one(kind, own) for kind in PROBES.values()]}


def _built(own: Mapping[str, Json]) -> Json:
    """A built-in check, a part of it, or one of the project's own checks: whatever is not a kind of probe."""
    names: list[Json] = [*BUILT_IN, *(f"{name}.{part}" for name, parts in BUILT_IN.items() for part in parts)]
    kinds: list[Json] = list(PROBES)
    check: Json = {"type": "string", "not": {"enum": kinds}, "examples": names}
    required: list[Json] = ["check", *own]
    return {**_closed({**own, "check": check, "service": {"type": "string"}}), "required": required}


def _one(kind: ProbeKind, own: Mapping[str, Json]) -> Json:
    options: dict[str, Json] = {option.name: _option(option) for option in kind.options}
    found = _closed({**own, "check": {"const": kind.name}, **options})
    wanted = [name for name in ("id", "text") if name in own]
    found["required"] = ["check", *wanted, *(option.name for option in kind.options if option.required)]
    found["description"] = kind.summary
    if kind.one_of:
        found["anyOf"] = [{"required": [name]} for name in kind.one_of]
    return found


def _option(option: Option) -> Json:
    return {**_SHAPES[option.type], "description": option.help}


def _closed(properties: Mapping[str, Json]) -> dict[str, Json]:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}
