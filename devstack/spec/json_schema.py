"""The JSON Schema (draft 2020-12) of devstack.yml, for editors: made from the sections' own keys and the kinds' declared options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.compose.schema import SERVICE_KEYS
from devstack.spec.json_schema_database import schema_entry
from devstack.spec.json_schema_verify import verify_schema
from devstack.spec.kinds import Kind, load_kinds
from devstack.spec.options import DURATION, IDENTIFIER, Option

if TYPE_CHECKING:
    from devstack.compose.model import Json, JsonObject

_VARIABLE: Json = {"type": "string", "pattern": "\\$"}
_PATHS: Json = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_OPTIONAL_PATH: Json = {"type": ["string", "boolean"]}
_TYPES: Mapping[str, JsonObject] = {
    "string": {"type": "string"},
    "version": {"type": ["string", "integer"], "not": {"const": "latest"}},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": 0},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "path": {"type": "string"},
    "urlpath": {"type": "string", "pattern": "^(/[A-Za-z0-9._~!&()*+,;=:@%/?-]*)?$"},
    "identifier": {"type": "string", "pattern": f"^{IDENTIFIER.pattern.removesuffix(chr(92) + 'Z')}$"},
    "duration": {"type": "string", "pattern": f"^{DURATION.pattern.removesuffix(chr(92) + 'Z')}$"},
    "choice": {"type": "string"},
    "command": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["string", "number"]}}]},
    "cron": {"type": "string", "pattern": "^\\s*\\S+(\\s+\\S+){4}\\s*$", "examples": ["0 3 * * *"]},
    "mapping": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
    "list": {"type": "array", "items": {"type": "string"}},
}


def json_schema(root: Path | None = None) -> JsonObject:
    """The schema; with `root`, a project's own kinds are in it too."""
    kinds = load_kinds(root or Path("/nonexistent"))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "devstack.yml",
        "description": "A development environment: its services, the schema of its databases, and what is rendered from it.",
        "type": "object",
        "properties": {
            "name": {
                "type": "string",
                "description": "The project's name: small letters, digits, - and _; the folder's when not given",
            },
            "engine": {
                "enum": ["auto", "docker", "native"],
                "description": "What runs the services: containers, processes of this machine, or (auto) containers where they can be had",
            },
            "compose": {**_object(_PATHS), "description": "Compose files to adopt; what stands here is merged over them"},
            "services": {
                "type": "object",
                "propertyNames": {"pattern": "^[a-zA-Z0-9][a-zA-Z0-9._-]*$"},
                "additionalProperties": {"$ref": "#/$defs/service"},
            },
            "schema": {"anyOf": [{"$ref": "#/$defs/schema"}, {"type": "array", "items": {"$ref": "#/$defs/schema"}}]},
            "verify": verify_schema(),
            "render": _render(),
            "profiles": {**_object(_PATHS), "description": "Profiles that are on without --profile"},
            **{
                key: {"type": ["object", "null"], "description": f"As in Compose: {key}"}
                for key in ("volumes", "networks", "secrets", "configs")
            },
        },
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
        "$defs": {"schema": schema_entry(), "service": _service(kinds)},
    }


def _render() -> Json:
    described: dict[str, tuple[Json, str]] = {
        "compose": ({"type": "string"}, "Where the Compose file goes (compose.yaml)"),
        "env": ({"type": "string"}, "Where the variables of this checkout go (.env beside the Compose file)"),
        "env_example": (_OPTIONAL_PATH, "The same without secrets, for version control; false for none"),
        "dockerignore": (_PATHS, "Folders that get a .dockerignore"),
        "makefile": (_OPTIONAL_PATH, "true or a path: a Makefile with the daily commands"),
        "package_json": (_OPTIONAL_PATH, "true or a path: docker:* scripts in a package.json"),
        "secrets": (_PATHS, "Variables of the env file that devstack makes up once, as it does passwords"),
        "templates": (
            {"type": "object", "additionalProperties": {"type": "string"}},
            "Files of your own, each with the Jinja2 template it is rendered from: {docs/README.md: docs/README.md.j2}",
        ),
    }
    return _closed({key: {**_object(shape), "description": text} for key, (shape, text) in described.items()})


def _service(kinds: Mapping[str, Kind]) -> Json:
    """Compose's keys for all, and for each kind its options and nothing else."""
    compose: dict[str, Json] = {key: {"description": f"As in Compose: {key}"} for key in SERVICE_KEYS}
    plain: Json = {"properties": compose, "patternProperties": {"^x-": True}, "additionalProperties": False}
    names: list[Json] = list(kinds)
    rules: list[Json] = [{"if": {"not": {"required": ["kind"]}}, "then": plain}]
    for kind in kinds.values():
        chosen: Json = {"required": ["kind"], "properties": {"kind": {"const": kind.name}}}
        rules.append({"if": chosen, "then": _with_options(kind, compose)})
    return {
        "type": "object",
        "properties": {"kind": {"enum": names, "description": "What the service is: an entry of the catalogue (devstack kinds)"}},
        "allOf": rules,
    }


def _with_options(kind: Kind, compose: Mapping[str, Json]) -> Json:
    options: dict[str, Json] = {name: _option(option) for name, option in kind.options.items()}
    found: dict[str, Json] = {
        "description": kind.summary,
        "properties": {**compose, "kind": True, **options},
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
    }
    required: list[Json] = [name for name, option in kind.options.items() if option.required]
    if required:
        found["required"] = required
    if kind.needs:
        found["anyOf"] = [{"required": [key]} for key in kind.needs]
    return found


def _option(option: Option) -> Json:
    shape: dict[str, Json] = dict(_TYPES[option.type])
    if option.choices:
        shape["enum"] = list(option.choices)
    # A variable may stand where a number or a word of a list is wanted.
    found: dict[str, Json] = {"anyOf": [shape, _VARIABLE], "description": option.help}
    if option.default is not None and not (isinstance(option.default, str) and "{" in option.default):
        found["default"] = option.default
    return found


def _closed(properties: Mapping[str, Json], required: list[Json] | None = None) -> Json:
    found: dict[str, Json] = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    if required:
        found["required"] = required
    return found


def _object(value: Json) -> dict[str, Json]:
    assert isinstance(value, dict)
    return value
