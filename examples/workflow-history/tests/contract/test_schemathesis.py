"""Schemathesis: requests that it makes up from the contract, right ones and wrong ones."""

import schemathesis
from conftest import BASE
from here import Database
from hypothesis import HealthCheck, settings
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


@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_no_request_breaks_the_contract(case: schemathesis.Case) -> None:
    response = case.call_and_validate(base_url=BASE, checks=CHECKS)
    if case.path == "/workflows" and response.status_code == 201:
        Database().execute("DELETE FROM workflows WHERE id = %s", response.json()["id"])
