"""GET /runs/{run_id} keeps to the contract."""

import uuid

import httpx
from agreed import conforms
from here import Maker

AT = ("GET", "/runs/{run_id}")


def test_a_run_comes_with_its_steps_in_order(api: httpx.Client, make: Maker) -> None:
    workflow = make.workflow(
        {"node_type": "json_path", "path": "$.name"},
        {"node_type": "text_template", "template": "Hello {{ input }}!"},
    )
    run = make.run(workflow, {"name": "Ada"})
    body = conforms(api.get(f"/runs/{run['run_id']}"), *AT, 200)
    assert (body["workflow_id"], body["input"]) == (workflow, {"name": "Ada"})
    assert (body["status"], body["final_output"]) == ("succeeded", "Hello Ada!")
    assert [step["node_type"] for step in body["steps"]] == ["json_path", "text_template"]
    assert [step["output"] for step in body["steps"]] == ["Ada", "Hello Ada!"]


def test_a_failed_run_has_the_step_that_failed_as_its_last(api: httpx.Client, make: Maker) -> None:
    workflow = make.workflow({"node_type": "fail", "message": "no"}, {"node_type": "fail"})
    run = make.run(workflow)
    body = conforms(api.get(f"/runs/{run['run_id']}"), *AT, 200)
    assert [(step["status"], step["error"]) for step in body["steps"]] == [("failed", "no")]


def test_an_unknown_run_is_404_and_no_uuid_is_422(api: httpx.Client) -> None:
    unknown = uuid.uuid4()
    body = conforms(api.get(f"/runs/{unknown}"), *AT, 404)
    assert body["detail"] == f"there is no run {unknown}"
    conforms(api.get("/runs/7"), *AT, 422)
