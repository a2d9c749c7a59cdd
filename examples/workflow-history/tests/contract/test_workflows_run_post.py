"""POST /workflows/{workflow_id}/run keeps to the contract."""

import uuid

import httpx
from agreed import conforms
from here import Maker

AT = ("POST", "/workflows/{workflow_id}/run")
HELLO = {"node_type": "text_template", "template": "Hello {{ input.name }}!"}


def test_a_run_answers_with_the_final_output(api: httpx.Client, make: Maker) -> None:
    workflow = make.workflow(HELLO)
    answer = api.post(f"/workflows/{workflow}/run", json={"input": {"name": "Ada"}})
    body = conforms(answer, *AT, 200)
    assert body["final_output"] == "Hello Ada!"
    assert (body["status"], body["error"]) == ("succeeded", None)


def test_a_run_needs_no_body(api: httpx.Client, make: Maker) -> None:
    workflow = make.workflow({"node_type": "text_template", "template": "given: {{ input }}"})
    for answer in (
        api.post(f"/workflows/{workflow}/run"),
        api.post(f"/workflows/{workflow}/run", json={}),
        api.post(f"/workflows/{workflow}/run", json=None),
    ):
        assert conforms(answer, *AT, 200)["final_output"] == "given: null"


def test_a_run_whose_node_fails_is_an_answer_too(api: httpx.Client, make: Maker) -> None:
    workflow = make.workflow({"node_type": "fail", "message": "no"})
    body = conforms(api.post(f"/workflows/{workflow}/run"), *AT, 200)
    assert (body["status"], body["final_output"]) == ("failed", None)
    assert body["error"] == "node 0 (fail): no"


def test_an_unknown_workflow_is_404_and_one_without_nodes_409(
    api: httpx.Client, make: Maker
) -> None:
    conforms(api.post(f"/workflows/{uuid.uuid4()}/run"), *AT, 404)
    workflow = make.workflow()
    body = conforms(api.post(f"/workflows/{workflow}/run"), *AT, 409)
    assert body["detail"] == f"workflow {workflow} has no nodes to run"
    assert api.get(f"/workflows/{workflow}/runs").json()["total"] == 0


def test_an_input_that_cannot_be_stored_is_refused(api: httpx.Client, make: Maker) -> None:
    workflow = make.workflow(HELLO)
    headers = {"content-type": "application/json"}
    deep = 60 * "[" + 60 * "]"
    for value in ("NaN", "1e999", '"a\\u0000"', '{"\\ud800": 1}', deep, f'"{1_000_001 * "x"}"'):
        content = f'{{"input": {value}}}'
        answer = api.post(f"/workflows/{workflow}/run", content=content, headers=headers)
        body = conforms(answer, *AT, 422)
        assert [error["where"] for error in body["errors"]] == ["body.input"]


def test_a_body_that_is_no_text_is_refused(api: httpx.Client, make: Maker) -> None:
    path, headers = f"/workflows/{make.workflow()}/run", {"content-type": "application/json"}
    conforms(api.post(path, content=b'{"input": "\xff"}', headers=headers), *AT, 400)
