"""GET /workflows/{workflow_id}/runs keeps to the contract."""

import uuid

import httpx
import pytest
from agreed import conforms
from here import Maker

AT = ("GET", "/workflows/{workflow_id}/runs")


def test_the_runs_of_a_workflow_come_newest_first_in_pages(api: httpx.Client, make: Maker) -> None:
    workflow = make.workflow({"node_type": "json_path", "path": "$.n"})
    other = make.workflow({"node_type": "fail"})
    make.run(other)
    runs = [make.run(workflow, {"n": n})["run_id"] for n in range(3)]
    path = f"/workflows/{workflow}/runs"
    body = conforms(api.get(path), *AT, 200)
    assert (body["total"], body["limit"], body["offset"]) == (3, 50, 0)
    assert [run["id"] for run in body["items"]] == runs[::-1]
    assert [run["final_output"] for run in body["items"]] == [2, 1, 0]
    page = conforms(api.get(path, params={"limit": 1, "offset": 1}), *AT, 200)
    assert [run["id"] for run in page["items"]] == [runs[1]]
    assert page["total"] == 3


def test_runs_are_filtered_by_status(api: httpx.Client, make: Maker) -> None:
    workflow = make.workflow({"node_type": "json_path", "path": "$.n"})
    good, bad = make.run(workflow, {"n": 1}), make.run(workflow, {})
    path = f"/workflows/{workflow}/runs"
    for status, runs in (("succeeded", [good]), ("failed", [bad]), ("running", [])):
        body = conforms(api.get(path, params={"status": status}), *AT, 200)
        assert [run["id"] for run in body["items"]] == [run["run_id"] for run in runs]
        assert body["total"] == len(runs)


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "offset=-1", "limit=x", "status=done"])
def test_a_wrong_query_is_refused(api: httpx.Client, make: Maker, query: str) -> None:
    answer = api.get(f"/workflows/{make.workflow()}/runs?{query}")
    body = conforms(answer, *AT, 422)
    assert body["errors"][0]["where"] == f"query.{query.partition('=')[0]}"


def test_an_unknown_workflow_is_404(api: httpx.Client) -> None:
    conforms(api.get(f"/workflows/{uuid.uuid4()}/runs"), *AT, 404)
