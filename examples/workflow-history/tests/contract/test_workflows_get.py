"""GET /workflows/{workflow_id} keeps to the contract."""

import uuid

import httpx
from agreed import conforms
from here import Maker

AT = ("GET", "/workflows/{workflow_id}")


def test_a_new_workflow_has_no_nodes(api: httpx.Client, make: Maker) -> None:
    made = make.post("/workflows", 201, name=make.mark)
    body = conforms(api.get(f"/workflows/{made['id']}"), *AT, 200)
    assert body == {**made, "nodes": []}


def test_the_nodes_come_in_the_order_in_which_they_run(api: httpx.Client, make: Maker) -> None:
    workflow = make.workflow()
    path = f"/workflows/{workflow}/nodes"
    for place, message in ((0, "c"), (0, "a"), (1, "b"), (None, "d")):
        config = {"message": message}
        make.post(path, 201, node_type="fail", config=config, order_index=place)
    body = conforms(api.get(f"/workflows/{workflow}"), *AT, 200)
    assert [node["config"]["message"] for node in body["nodes"]] == ["a", "b", "c", "d"]
    assert [node["order_index"] for node in body["nodes"]] == [0, 1, 2, 3]


def test_an_unknown_workflow_is_404_and_no_uuid_is_422(api: httpx.Client) -> None:
    unknown = uuid.uuid4()
    body = conforms(api.get(f"/workflows/{unknown}"), *AT, 404)
    assert body["detail"] == f"there is no workflow {unknown}"
    conforms(api.get("/workflows/7"), *AT, 422)
