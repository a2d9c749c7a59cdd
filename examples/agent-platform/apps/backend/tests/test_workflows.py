import uuid
from typing import Any

import httpx
import pytest


def problem_of(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["instance"] == response.request.url.path
    return body


def test_a_created_workflow_reads_back_the_same(
    api: httpx.Client, workflow: dict[str, Any]
) -> None:
    read = api.get(f"/workflows/{workflow['id']}")
    assert read.status_code == 200
    assert read.json() == workflow


def test_a_change_shows_and_moves_updated_at(api: httpx.Client, workflow: dict[str, Any]) -> None:
    changed = api.patch(f"/workflows/{workflow['id']}", json={"definition": {"nodes": []}})
    assert changed.status_code == 200
    assert changed.json()["definition"] == {"nodes": []}
    assert changed.json()["name"] == workflow["name"]
    assert changed.json()["created_at"] == workflow["created_at"]
    assert changed.json()["updated_at"] > workflow["updated_at"]
    assert api.get(f"/workflows/{workflow['id']}").json() == changed.json()


def test_a_change_to_the_same_value_leaves_updated_at(
    api: httpx.Client, workflow: dict[str, Any]
) -> None:
    changed = api.patch(f"/workflows/{workflow['id']}", json={"name": workflow["name"]})
    assert changed.json() == workflow


def test_pages_are_newest_first_and_do_not_overlap(api: httpx.Client) -> None:
    mark = uuid.uuid4().hex
    made = [api.post("/workflows", json={"name": f"{mark} {n}"}).json() for n in range(5)]
    try:
        first = api.get("/workflows", params={"name": mark, "limit": 3}).json()
        second = api.get("/workflows", params={"name": mark, "limit": 3, "offset": 3}).json()
        assert (first["total"], first["limit"], first["offset"]) == (5, 3, 0)
        listed = [one["id"] for one in first["items"] + second["items"]]
        assert listed == [one["id"] for one in reversed(made)]
    finally:
        for one in made:
            api.delete(f"/workflows/{one['id']}")


def test_a_name_filter_takes_its_wildcards_literally(
    api: httpx.Client, workflow: dict[str, Any]
) -> None:
    assert api.get("/workflows", params={"name": workflow["name"]}).json()["total"] == 1
    assert api.get("/workflows", params={"name": "%" + workflow["name"][1:]}).json()["total"] == 0


def test_a_deleted_workflow_takes_its_runs_and_events_along(
    api: httpx.Client, workflow: dict[str, Any], run: dict[str, Any]
) -> None:
    assert api.get(f"/runs/{run['id']}/events").json()["total"] == 1
    assert api.delete(f"/workflows/{workflow['id']}").status_code == 204
    problem_of(api.get(f"/workflows/{workflow['id']}"), 404)
    problem_of(api.get(f"/runs/{run['id']}"), 404)
    assert api.get("/events", params={"run_id": run["id"]}).json()["total"] == 0


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_workflow_is_404(api: httpx.Client, method: str) -> None:
    body = {"json": {"name": "x"}} if method == "PATCH" else {}
    missing = uuid.uuid4()
    problem = problem_of(api.request(method, f"/workflows/{missing}", **body), 404)
    assert problem["detail"] == f"there is no workflow {missing}"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "body.name"),
        ({"name": ""}, "body.name"),
        ({"name": "   "}, "body.name"),
        ({"name": "x" * 256}, "body.name"),
        ({"name": None}, "body.name"),
        ({"name": "x", "definition": []}, "body.definition"),
        ({"name": "x", "nmae": "y"}, "body.nmae"),
    ],
)
def test_a_wrong_field_is_422_and_named(api: httpx.Client, body: object, where: str) -> None:
    problem = problem_of(api.post("/workflows", json=body), 422)
    assert [error["where"] for error in problem["errors"]] == [where]


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "a\\u0000b"}',
        b'{"name": "x", "definition": {"n": NaN}}',
        b'{"name": "x", "definition": {"s": "\\ud800"}}',
        b'{"name": ',
    ],
)
def test_what_the_database_cannot_store_is_422(api: httpx.Client, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    problem_of(api.post("/workflows", content=body, headers=headers), 422)


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"limit": "x"}])
def test_a_page_out_of_bounds_is_422(api: httpx.Client, query: dict[str, Any]) -> None:
    problem_of(api.get("/workflows", params=query), 422)


def test_an_empty_change_is_422(api: httpx.Client, workflow: dict[str, Any]) -> None:
    problem_of(api.patch(f"/workflows/{workflow['id']}", json={}), 422)


def test_an_unknown_path_and_method_are_problems_too(api: httpx.Client) -> None:
    problem_of(api.get("/workflow"), 404)
    problem_of(api.put("/workflows", json={}), 405)
