"""Schemathesis: requests that it makes up from the contract, right ones and wrong ones."""

from typing import Any

import pytest
import schemathesis
from agreed import ENDPOINTS
from conftest import BASE
from here import Database
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from server.main import contract

schema = schemathesis.openapi.from_dict(contract())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]

QUICK = settings(
    max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_no_request_breaks_the_contract(method: str, path: str) -> None:
    @settings(
        max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(case=schema[path][method].as_strategy())
    def check(case: "schemathesis.Case[Any]") -> None:
        response = case.call_and_validate(base_url=BASE, checks=CHECKS)
        if path == "/workflows" and response.status_code == 201:
            Database().execute("DELETE FROM workflows WHERE id = %s", response.json()["id"])

    check()
