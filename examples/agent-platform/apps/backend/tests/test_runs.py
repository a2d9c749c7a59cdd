import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

Json = dict[str, Any]


def add_node(api: httpx.Client, run: Json, node_id: str, *statuses: str) -> Json:
    created = api.post(f"/runs/{run['id']}/nodes", json={"node_id": node_id})
    assert created.status_code == 201, created.text
    node: Json = created.json()
    for status in statuses:
        moved = set_node(api, node, status=status)
        assert moved.status_code == 200, moved.text
        node = moved.json()
    return node


def set_node(api: httpx.Client, node: Json, **change: Any) -> httpx.Response:
    return api.patch(f"/runs/{node['run_id']}/nodes/{node['id']}", json=change)


def finish(api: httpx.Client, run: Json, status: str, **change: Any) -> httpx.Response:
    return api.patch(f"/runs/{run['id']}", json={"status": status, **change})


def events_of(api: httpx.Client, run: Json) -> list[str]:
    items = api.get(f"/runs/{run['id']}/events").json()["items"]
    return [event["event_type"] for event in items]


def test_a_new_run_is_running_and_has_said_so(api: httpx.Client, run: Json) -> None:
    assert run["status"] == "running"
    assert run["finished_at"] is None
    assert events_of(api, run) == ["run_started"]
    read = api.get(f"/runs/{run['id']}")
    assert read.status_code == 200
    assert read.json() == {**run, "nodes": []}


def test_a_whole_run_leaves_its_history_in_order(api: httpx.Client, run: Json) -> None:
    plan = add_node(api, run, "plan", "running")
    assert set_node(api, plan, status="completed", tokens_used=120).status_code == 200
    act = add_node(api, run, "act", "running")
    assert set_node(api, act, status="failed", error="no answer").status_code == 200
    add_node(api, run, "report", "skipped")
    done = finish(api, run, "completed", output={"answer": 42})
    assert done.status_code == 200
    assert done.json()["output"] == {"answer": 42}
    assert done.json()["finished_at"] >= run["started_at"]

    assert events_of(api, run) == [
        "run_started",
        "node_started",
        "node_completed",
        "node_started",
        "node_failed",
        "log",
        "run_completed",
    ]
    nodes = api.get(f"/runs/{run['id']}").json()["nodes"]
    assert [(node["node_id"], node["status"], node["tokens_used"]) for node in nodes] == [
        ("plan", "completed", 120),
        ("act", "failed", 0),
        ("report", "skipped", 0),
    ]
    assert api.get(f"/runs/{run['id']}/nodes").json() == nodes


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("completed", "running"),
        ("completed", "failed"),
        ("failed", "running"),
        ("failed", "completed"),
    ],
)
def test_a_finished_run_changes_no_more(
    api: httpx.Client, run: Json, first: str, then: str
) -> None:
    done = finish(api, run, first)
    assert done.status_code == 200
    refused = finish(api, run, then)
    assert refused.status_code == 409
    assert refused.json()["detail"] == f"a {first} run cannot become {then}"
    assert api.patch(f"/runs/{run['id']}", json={"output": {"late": 1}}).status_code == 409
    assert api.post(f"/runs/{run['id']}/nodes", json={"node_id": "late"}).status_code == 409
    assert api.get(f"/runs/{run['id']}").json() == {**done.json(), "nodes": []}


def test_the_same_request_twice_is_no_error_and_no_second_event(
    api: httpx.Client, run: Json
) -> None:
    once = finish(api, run, "completed", output={"n": 1})
    twice = finish(api, run, "completed", output={"n": 1})
    assert (twice.status_code, twice.json()) == (200, once.json())
    assert events_of(api, run) == ["run_started", "run_completed"]


def test_a_run_with_unfinished_nodes_does_not_complete(api: httpx.Client, run: Json) -> None:
    add_node(api, run, "slow", "running")
    add_node(api, run, "next")
    refused = finish(api, run, "completed")
    assert refused.status_code == 409
    assert refused.json()["detail"] == "the run has unfinished nodes: next, slow"
    assert api.get(f"/runs/{run['id']}").json()["status"] == "running"


def test_a_failed_run_takes_its_unfinished_nodes_along(api: httpx.Client, run: Json) -> None:
    add_node(api, run, "done", "running", "completed")
    add_node(api, run, "slow", "running")
    add_node(api, run, "next")
    assert finish(api, run, "failed", error="out of budget").status_code == 200
    nodes = api.get(f"/runs/{run['id']}").json()["nodes"]
    statuses = {node["node_id"]: node["status"] for node in nodes}
    assert statuses == {"done": "completed", "slow": "failed", "next": "skipped"}
    assert all(node["finished_at"] for node in nodes)


@pytest.mark.parametrize(
    ("path", "then"),
    [
        ((), "completed"),
        ((), "failed"),
        (("running",), "pending"),
        (("running",), "skipped"),
        (("running", "completed"), "running"),
        (("running", "failed"), "completed"),
        (("skipped",), "running"),
    ],
)
def test_an_illegal_step_of_a_node_is_409(
    api: httpx.Client, run: Json, path: tuple[str, ...], then: str
) -> None:
    node = add_node(api, run, "n", *path)
    refused = set_node(api, node, status=then)
    assert refused.status_code == 409
    now = path[-1] if path else "pending"
    assert refused.json()["detail"] == f"a {now} node cannot become {then}"
    assert api.get(f"/runs/{run['id']}/nodes").json() == [node]


def test_an_attempt_exists_once(api: httpx.Client, run: Json) -> None:
    add_node(api, run, "n")
    again = api.post(f"/runs/{run['id']}/nodes", json={"node_id": "n"})
    assert again.status_code == 409
    assert again.json()["detail"] == "the run already has attempt 1 of n"
    retry = api.post(f"/runs/{run['id']}/nodes", json={"node_id": "n", "attempt": 2})
    assert retry.status_code == 201


def test_of_two_that_end_a_run_at_once_one_wins(api: httpx.Client, run: Json) -> None:
    start = threading.Barrier(8)

    def end(number: int) -> int:
        start.wait()
        status = "completed" if number % 2 else "failed"
        return finish(api, run, status, output={"by": number}).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(end, range(8)))
    assert answers == [200, *[409] * 7]
    assert events_of(api, run) == ["run_started", "run_completed"]


@pytest.mark.parametrize("tokens", [-1, 2**31, "many"])
def test_impossible_tokens_are_422(api: httpx.Client, run: Json, tokens: object) -> None:
    node = add_node(api, run, "n", "running")
    refused = set_node(api, node, tokens_used=tokens)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["where"] == "body.tokens_used"


def test_runs_are_listed_by_workflow_and_status(
    api: httpx.Client, workflow: Json, run: Json
) -> None:
    other = api.post("/runs", json={"workflow_id": workflow["id"]}).json()
    assert finish(api, other, "failed").status_code == 200

    def listed(**query: str) -> list[str]:
        answer = api.get("/runs", params={"workflow_id": workflow["id"], **query}).json()
        return [one["id"] for one in answer["items"]]

    assert listed() == [other["id"], run["id"]]
    assert listed(status="running") == [run["id"]]
    assert listed(status="failed") == [other["id"]]
    assert api.get("/runs", params={"status": "sleeping"}).status_code == 422


def test_what_is_not_there_is_404(api: httpx.Client, run: Json) -> None:
    missing = str(uuid.uuid4())
    answers = [
        api.post("/runs", json={"workflow_id": missing}),
        api.get(f"/runs/{missing}"),
        api.patch(f"/runs/{missing}", json={"status": "failed"}),
        api.get(f"/runs/{missing}/events"),
        api.get(f"/runs/{missing}/nodes"),
        api.post(f"/runs/{missing}/nodes", json={"node_id": "n"}),
        api.patch(f"/runs/{run['id']}/nodes/{missing}", json={"status": "running"}),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)


def test_a_node_is_not_found_under_another_run(
    api: httpx.Client, workflow: Json, run: Json
) -> None:
    node = add_node(api, run, "n")
    other = api.post("/runs", json={"workflow_id": workflow["id"]}).json()
    answer = api.patch(f"/runs/{other['id']}/nodes/{node['id']}", json={"status": "running"})
    assert answer.status_code == 404
