"""A run is recorded with its steps: input, output, status and times of each."""

import threading
import time
from datetime import datetime

import httpx
from here import Database, Json, Maker

ORDER = {"id": 7, "lines": [{"sku": "A-1", "note": "ship by 2026-12-24"}]}
PIPELINE = (
    {"node_type": "json_path", "path": "$.lines[0].note"},
    {"node_type": "regex_extract", "pattern": r"\d{4}-(?<month>\d\d)-\d\d", "group": "month"},
    {"node_type": "delay", "seconds": 0.2},
    {
        "node_type": "text_template",
        "template": "{{ run.input.id }}: {{ steps[0].output }} is month {{ input }}",
    },
)


def times(of: Json) -> tuple[datetime, datetime]:
    begun, ended = (datetime.fromisoformat(of[name]) for name in ("started_at", "finished_at"))
    assert begun.tzinfo is not None
    return begun, ended


def test_each_step_has_its_input_its_output_and_its_times(make: Maker) -> None:
    workflow = make.workflow(*PIPELINE)
    answer = make.run(workflow, ORDER)
    assert answer["final_output"] == "7: ship by 2026-12-24 is month 12"
    run = make.history(answer)
    steps = run["steps"]
    assert [step["order_index"] for step in steps] == [0, 1, 2, 3]
    assert [step["status"] for step in steps] == 4 * ["succeeded"]
    assert [step["input"] for step in steps] == [ORDER, "ship by 2026-12-24", "12", "12"]
    assert [step["output"] for step in steps] == [
        "ship by 2026-12-24",
        "12",
        "12",
        answer["final_output"],
    ]
    nodes = make.api.get(f"/workflows/{workflow}").json()["nodes"]
    assert [step["node_id"] for step in steps] == [node["id"] for node in nodes]
    assert [step["config"] for step in steps] == [node["config"] for node in nodes]
    # One after the other, within the run.
    moments = [moment for step in steps for moment in times(step)]
    begun, ended = times(run)
    assert moments == sorted(moments)
    assert begun <= moments[0]
    assert moments[-1] <= ended
    waited = times(steps[2])
    assert (waited[1] - waited[0]).total_seconds() >= 0.2


def test_a_failing_node_ends_the_run_and_says_why(make: Maker) -> None:
    workflow = make.workflow(
        {"node_type": "text_template", "template": "so far"},
        {"node_type": "fail", "message": "no further"},
        {"node_type": "text_template", "template": "never"},
    )
    run = make.history(make.run(workflow))
    assert (run["status"], run["final_output"]) == ("failed", None)
    assert run["error"] == "node 1 (fail): no further"
    assert run["finished_at"] is not None
    assert [(s["status"], s["output"], s["error"]) for s in run["steps"]] == [
        ("succeeded", "so far", None),
        ("failed", None, "no further"),
    ]


def test_the_history_keeps_what_the_workflow_was(make: Maker) -> None:
    workflow = make.workflow({"node_type": "text_template", "template": "first"})
    before = make.history(make.run(workflow))
    path = f"/workflows/{workflow}/nodes"
    make.post(path, 201, node_type="fail", order_index=0)
    assert make.run(workflow)["status"] == "failed"
    assert make.history({"run_id": before["id"]}) == before
    assert before["steps"][0]["order_index"] == 0


def test_a_run_that_goes_on_is_seen_in_the_history(make: Maker) -> None:
    workflow = make.workflow(
        {"node_type": "text_template", "template": "done"}, {"node_type": "delay", "seconds": 2}
    )
    answers: list[Json] = []
    going = threading.Thread(target=lambda: answers.append(make.run(workflow)))
    going.start()
    deadline = time.monotonic() + 20
    statuses: list[str] = []
    while time.monotonic() < deadline and going.is_alive():
        for run in make.api.get(f"/workflows/{workflow}/runs").json()["items"]:
            seen = make.history({"run_id": run["id"]})
            statuses.append(f"{seen['status']} {[step['status'] for step in seen['steps']]}")
        time.sleep(0.1)
    going.join()
    assert "running ['succeeded', 'running']" in statuses
    assert answers[0]["status"] == "succeeded"


def test_a_node_type_that_the_server_does_not_know_fails_the_run(
    make: Maker, running: Database
) -> None:
    # node_type is TEXT: a newer server may have written it.
    workflow = make.workflow()
    running.execute(
        "INSERT INTO nodes (workflow_id, order_index, node_type) VALUES (%s, 0, 'teleport')",
        workflow,
    )
    assert make.api.get(f"/workflows/{workflow}").json()["nodes"][0]["node_type"] == "teleport"
    assert make.run(workflow)["error"].startswith(
        "node 0 (teleport): this server knows no node_type 'teleport' (it knows text_template"
    )


def test_many_who_add_nodes_at_once_get_one_place_each(make: Maker, api: httpx.Client) -> None:
    workflow = make.workflow()

    def add() -> None:
        for _ in range(5):
            node = {"node_type": "fail", "order_index": 0}
            assert api.post(f"/workflows/{workflow}/nodes", json=node).status_code == 201

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    nodes = api.get(f"/workflows/{workflow}").json()["nodes"]
    assert [node["order_index"] for node in nodes] == list(range(20))
