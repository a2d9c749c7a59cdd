"""POST /workflows/{workflow_id}/nodes keeps to the contract."""

import uuid
from typing import Any

import httpx
import pytest
from agreed import CONTRACT, conforms
from here import Maker

AT = ("POST", "/workflows/{workflow_id}/nodes")
# One of each kind, with what the server adds where the caller says nothing.
KINDS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"node_type": "text_template", "config": {"template": "Hello {{ input }}"}}, {}),
    ({"node_type": "regex_extract", "config": {"pattern": "a+"}}, {"group": 0, "all": False}),
    ({"node_type": "json_path", "config": {"path": "$.a[*]", "all": True}}, {}),
    (
        {"node_type": "http_call", "config": {"url": "http://api:8000/health"}},
        {"method": "GET", "send_input": False, "timeout_seconds": 5.0},
    ),
    ({"node_type": "delay", "config": {"seconds": 0.5}}, {}),
    ({"node_type": "fail"}, {"message": "failed on purpose"}),
]


@pytest.mark.parametrize(("sent", "added"), KINDS, ids=lambda one: one.get("node_type", ""))
def test_a_node_of_each_kind_is_added_and_kept_as_it_is(
    api: httpx.Client, make: Maker, sent: dict[str, Any], added: dict[str, Any]
) -> None:
    workflow = make.workflow()
    body = conforms(api.post(f"/workflows/{workflow}/nodes", json=sent), *AT, 201)
    assert body["workflow_id"] == workflow
    assert body["node_type"] == sent["node_type"]
    assert body["config"] == sent.get("config", {}) | added
    assert api.get(f"/workflows/{workflow}").json()["nodes"] == [body]


def test_every_agreed_kind_is_tried_here() -> None:
    tried = {sent["node_type"] for sent, _ in KINDS}
    assert tried == set(CONTRACT["components"]["schemas"]["NodeType"]["enum"])


@pytest.mark.parametrize(
    ("node", "where"),
    [
        ({"node_type": "teleport", "config": {}}, "body"),
        ({"config": {}}, "body"),
        ({"node_type": "delay", "config": {}}, "body.delay.config.seconds"),
        ({"node_type": "delay", "config": {"seconds": 31}}, "body.delay.config.seconds"),
        ({"node_type": "delay", "config": {"seconds": 1, "x": 1}}, "body.delay.config.x"),
        (
            {"node_type": "text_template", "config": {"template": "{{ input[ }}"}},
            "body.text_template.config.template",
        ),
        (
            {"node_type": "text_template", "config": {"template": "{{ input.* }}"}},
            "body.text_template.config.template",
        ),
        (
            {"node_type": "regex_extract", "config": {"pattern": "(a"}},
            "body.regex_extract.config.pattern",
        ),
        ({"node_type": "json_path", "config": {"path": "a.b"}}, "body.json_path.config.path"),
        (
            {"node_type": "json_path", "config": {"path": "$[?match(@, 'a')]"}},
            "body.json_path.config.path",
        ),
        (
            {"node_type": "http_call", "config": {"url": "file:///etc/passwd"}},
            "body.http_call.config.url",
        ),
        ({"node_type": "fail", "order_index": -1}, "body.fail.order_index"),
    ],
)
def test_a_wrong_node_is_refused_by_field(
    api: httpx.Client, make: Maker, node: dict[str, Any], where: str
) -> None:
    workflow = make.workflow()
    body = conforms(api.post(f"/workflows/{workflow}/nodes", json=node), *AT, 422)
    assert where in [error["where"] for error in body["errors"]]
    assert api.get(f"/workflows/{workflow}").json()["nodes"] == []


def test_a_place_behind_the_end_is_refused(api: httpx.Client, make: Maker) -> None:
    workflow = make.workflow({"node_type": "fail"})
    node = {"node_type": "fail", "order_index": 2}
    body = conforms(api.post(f"/workflows/{workflow}/nodes", json=node), *AT, 422)
    assert body["detail"] == "order_index: the workflow has 1 nodes, so it may be 0 to 1"


def test_an_unknown_workflow_is_404(api: httpx.Client) -> None:
    node = {"node_type": "fail"}
    conforms(api.post(f"/workflows/{uuid.uuid4()}/nodes", json=node), *AT, 404)


def test_a_workflow_has_200_nodes_at_most(api: httpx.Client, make: Maker, running: Any) -> None:
    workflow = make.workflow()
    running.execute(
        "INSERT INTO nodes (workflow_id, order_index, node_type)"
        " SELECT %s, n, 'fail' FROM generate_series(0, 199) n",
        workflow,
    )
    body = conforms(api.post(f"/workflows/{workflow}/nodes", json={"node_type": "fail"}), *AT, 409)
    assert body["detail"] == "the workflow has 200 nodes; 200 is the most"


def test_a_body_that_is_no_text_is_refused(api: httpx.Client, make: Maker) -> None:
    path, headers = f"/workflows/{make.workflow()}/nodes", {"content-type": "application/json"}
    conforms(api.post(path, content=b'{"node_type": "\xff"}', headers=headers), *AT, 400)
