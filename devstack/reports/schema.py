"""The JSON Schema of a report: what `--report json=PATH` writes and `verify --json` answers under `data`."""

from __future__ import annotations

from collections.abc import Mapping

from devstack.compose.model import EMPTY, Json
from devstack.verify.model import Mode, Severity, Status

TEXT: Json = {"type": "string"}
MAYBE: Json = {"type": ["string", "null"]}
COUNT: Json = {"type": "integer", "minimum": 0}
TEXTS: Json = {"type": "array", "items": TEXT}
SECONDS: Json = {"type": "number", "minimum": 0, "description": "Seconds."}
MOMENT: Json = {"type": ["number", "null"], "minimum": 0, "description": "Seconds from the beginning of the start; null: never."}
STATUS: Json = {"enum": [str(status) for status in Status]}
WHERE: Json = {
    "type": ["object", "null"],
    "description": "The place in the user's files; lines and columns count from 1.",
    "properties": {"file": TEXT, "line": {"type": ["integer", "null"]}, "column": {"type": ["integer", "null"]}},
    "required": ["file", "line", "column"],
}


def json_schema() -> dict[str, Json]:
    """The schema, draft 2020-12. Later versions only add properties, so that unknown ones are allowed."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "devstack verify report",
        **_object(
            {
                "format": {"const": 1},
                "project": TEXT,
                "subject": {**_plain(TEXT), "description": "The stack that was examined: the project, or the twin's name."},
                "mode": {"enum": [str(mode) for mode in Mode]},
                "engine": TEXT,
                "version": TEXT,
                "begun": {"type": "number", "description": "Unix seconds."},
                "seconds": SECONDS,
                "ok": {"type": "boolean"},
                "passed": COUNT,
                "failed": {**_plain(COUNT), "description": "Failures of severity error."},
                "warnings": {**_plain(COUNT), "description": "Failures of severity warning or info."},
                "skipped": COUNT,
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
                "criteria": {"type": "array", "items": {"$ref": "#/$defs/criterion"}},
                "startup": {"oneOf": [{"$ref": "#/$defs/startup"}, {"type": "null"}]},
                "graph": {"type": "array", "items": {"$ref": "#/$defs/edge"}},
                "services": {"type": "array", "items": {"$ref": "#/$defs/service"}},
                "runs": {"type": "integer", "minimum": 1},
                "failures": {
                    "type": "object",
                    "additionalProperties": COUNT,
                    "description": "Of several runs, in how many each failed.",
                },
            },
            {"slower": {"type": "array", "items": {"$ref": "#/$defs/slower"}, "description": "With --compare --json only."}},
        ),
        "$defs": {name: _object(properties) for name, properties in DEFINITIONS.items()},
    }


DEFINITIONS: Mapping[str, Mapping[str, Json]] = {
    "result": {
        "id": {"type": "string", "description": "Unique in a report, the same from run to run: reach.db.5432."},
        "check": TEXT,
        "title": TEXT,
        "status": STATUS,
        "severity": {"enum": [str(severity) for severity in Severity], "description": "Only a failed error fails the verify."},
        "service": MAYBE,
        "expected": TEXT,
        "saw": TEXT,
        "evidence": TEXTS,
        "fix": TEXTS,
        "where": WHERE,
        "seconds": SECONDS,
        "criteria": TEXTS,
    },
    "criterion": {"id": TEXT, "text": TEXT, "status": STATUS, "results": TEXTS, "where": WHERE},
    "startup": {
        "seconds": SECONDS,
        "budget": SECONDS,
        "services": {"type": "array", "items": {"$ref": "#/$defs/timing"}},
        "critical_path": TEXTS,
    },
    "timing": {"service": TEXT, "created": MOMENT, "started": MOMENT, "healthy": MOMENT, "after": TEXTS},
    "edge": {"service": TEXT, "needs": TEXT, "condition": TEXT},
    "service": {
        "service": TEXT,
        "image": TEXT,
        "state": TEXT,
        "restarts": COUNT,
        "ports": TEXTS,
        "probes": TEXTS,
        "log": TEXTS,
        "stand_in": {"type": ["string", "null"]},
    },
    "slower": {"what": TEXT, "seconds": SECONDS, "median": SECONDS, "runs": COUNT},
}


def _object(properties: Mapping[str, Json], optional: Mapping[str, Json] = EMPTY) -> dict[str, Json]:
    return {"type": "object", "properties": {**properties, **optional}, "required": list(properties)}


def _plain(schema: Json) -> dict[str, Json]:
    assert isinstance(schema, dict)
    return schema
