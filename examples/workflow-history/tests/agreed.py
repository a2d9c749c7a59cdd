"""contracts/openapi.yaml, and whether an answer keeps to it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import yaml
from here import ROOT
from jsonschema import Draft202012Validator, FormatChecker

CONTRACT: dict[str, Any] = yaml.safe_load((ROOT / "contracts" / "openapi.yaml").read_text())
METHODS = ("get", "post", "put", "patch", "delete")
ENDPOINTS = [
    (method.upper(), path)
    for path, item in CONTRACT["paths"].items()
    for method in METHODS
    if method in item
]


def resolved(part: Any) -> Any:
    """What a $ref leads to; anything else as it is."""
    while isinstance(part, dict) and "$ref" in part:
        found: Any = CONTRACT
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def violations(schema: Any, value: Any) -> list[str]:
    # With the components beside it, so that its references lead somewhere.
    whole = {"allOf": [schema], "components": CONTRACT["components"]}
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def conforms(response: httpx.Response, method: str, path: str, status: int) -> Any:
    """The body of an answer that has this status and keeps to the contract in all that it says."""
    assert response.status_code == status, response.text
    assert response.request.method == method
    pattern = re.sub(r"\{\w+\}", "[^/]+", path)
    assert re.fullmatch(pattern, response.request.url.path), response.request.url
    operation = CONTRACT["paths"][path][method.lower()]
    assert str(status) in operation["responses"], f"{method} {path}: {status} is not agreed"
    agreed = resolved(operation["responses"][str(status)])
    (media,) = agreed["content"]
    assert response.headers["content-type"] == media
    for name, header in agreed["headers"].items():
        schema = resolved(header)["schema"]
        assert violations(schema, response.headers[name]) == []
    body = response.json()
    assert violations(agreed["content"][media]["schema"], body) == []
    return body
