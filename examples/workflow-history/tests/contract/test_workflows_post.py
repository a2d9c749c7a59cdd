"""POST /workflows keeps to the contract."""

import uuid

import httpx
import pytest
from agreed import conforms
from here import Maker

AT = ("POST", "/workflows")


def test_a_workflow_is_made(api: httpx.Client, make: Maker) -> None:
    body = conforms(api.post("/workflows", json={"name": f"  {make.mark} "}), *AT, 201)
    assert body["name"] == make.mark
    assert uuid.UUID(body["id"]).version == 4


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('{"name": ""}', "body.name"),
        ('{"name": "   "}', "body.name"),
        ('{"name": 7}', "body.name"),
        ("{}", "body.name"),
        ('{"name": "x", "naem": "y"}', "body.naem"),
        ('{"name": "' + 201 * "x" + '"}', "body.name"),
        ('{"name": "a\\u0000b"}', "body.name"),
        ('{"name": "\\ud800"}', "body.name"),
        ('{"\\ud800": 1, "name": "x"}', "body"),
        ("[]", "body"),
        ("", "body"),
        ("{", "body.1"),
    ],
)
def test_a_wrong_body_is_refused_by_field(api: httpx.Client, content: str, where: str) -> None:
    answer = api.post("/workflows", content=content, headers={"content-type": "application/json"})
    body = conforms(answer, *AT, 422)
    assert where in [error["where"] for error in body["errors"]]


def test_a_body_that_is_no_text_is_refused(api: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    conforms(api.post("/workflows", content=b'{"name": "\xff"}', headers=headers), *AT, 400)
