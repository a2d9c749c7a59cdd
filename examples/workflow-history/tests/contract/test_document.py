"""The contract as a whole: it is served, the code agrees with it, and each endpoint is tested."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from agreed import CONTRACT, ENDPOINTS, METHODS
from fastapi import FastAPI

from server.main import app
from server.node_types import NodeType
from server.schemas import Status

SCHEMAS = CONTRACT["components"]["schemas"]
# What FastAPI makes of the code, before the contract takes its place.
GENERATED: dict[str, Any] = FastAPI.openapi(app)
PAIRS = {
    "WorkflowNew": "WorkflowNew",
    "WorkflowOut": "WorkflowOut",
    "WorkflowWithNodes": "WorkflowWithNodes",
    "NodeOut": "NodeOut",
    "RunNew": "RunNew",
    "RunAnswer": "RunAnswer",
    "RunOut": "RunOut",
    "RunPage": "Page_RunOut_",
    "RunWithSteps": "RunWithSteps",
    "StepOut": "StepOut",
    "Health": "Health",
    **{kind: kind for kind in ("TextTemplate", "RegexExtract", "JsonPath", "HttpCall", "Delay")},
    "Fail": "Fail",
}


def test_what_is_served_is_the_contract(api: httpx.Client) -> None:
    assert api.get("/openapi.json").json() == CONTRACT
    assert "Workflow history" in api.get("/docs").text


def test_the_code_has_the_endpoints_of_the_contract_and_no_others() -> None:
    made = {
        (method.upper(), path)
        for path, item in GENERATED["paths"].items()
        for method in METHODS
        if method in item
    }
    assert made == set(ENDPOINTS)


@pytest.mark.parametrize("name", PAIRS)
def test_the_models_have_the_fields_of_the_contract(name: str) -> None:
    agreed, made = SCHEMAS[name], GENERATED["components"]["schemas"][PAIRS[name]]
    assert set(agreed["properties"]) == set(made["properties"])


def test_the_enums_have_the_values_of_the_contract() -> None:
    assert SCHEMAS["NodeType"]["enum"] == list(NodeType)
    assert SCHEMAS["Status"]["enum"] == list(Status)
    offered = SCHEMAS["NodeNew"]["discriminator"]["mapping"]
    assert list(offered) == list(NodeType)


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_every_endpoint_has_a_contract_test_for_each_answer_but_503(method: str, path: str) -> None:
    files = [file.read_text() for file in Path(__file__).parent.glob("test_*_*.py")]
    (mine,) = [text for text in files if f'AT = ("{method}", "{path}")' in text]
    tested = set(re.findall(r"\*AT, (\d{3})\)", mine))
    agreed = set(CONTRACT["paths"][path][method.lower()]["responses"])
    # 503 of all but /health: tests/integration/test_trouble.py takes the database away.
    assert tested >= agreed - {"503"}
