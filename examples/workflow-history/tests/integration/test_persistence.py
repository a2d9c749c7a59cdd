"""What was made is there after the server was killed and another one started."""

import time
from collections.abc import Callable

from here import Database, Maker, Started

Start = Callable[..., Started]


def test_workflows_and_runs_survive_a_restart(database: Database, start: Start) -> None:
    first = start(database.url)
    make = Maker(first.api)
    workflow = make.workflow(
        {"node_type": "json_path", "path": "$.name"},
        {"node_type": "text_template", "template": "Hello {{ input }}!"},
    )
    run = make.run(workflow, {"name": "Ada", "nested": [1, 2.5, None, True, "ü"]})
    paths = (f"/workflows/{workflow}", f"/workflows/{workflow}/runs", f"/runs/{run['run_id']}")
    before = [first.api.get(path).json() for path in paths]
    first.kill()

    second = start(database.url)
    assert [second.api.get(path).json() for path in paths] == before
    again = Maker(second.api).run(workflow, {"name": "Grace"})
    assert again["final_output"] == "Hello Grace!"
    assert second.api.get(paths[1]).json()["total"] == 2


def test_a_run_that_a_killed_server_left_is_ended_by_the_next(
    database: Database, start: Start
) -> None:
    # As a kill leaves it: a run and a step that go on, begun longer ago than a run may take.
    run = database.value(
        "WITH w AS (INSERT INTO workflows (name) VALUES ('left') RETURNING id),"
        " r AS (INSERT INTO runs (workflow_id, started_at)"
        "       SELECT id, now() - interval '1 hour' FROM w RETURNING id),"
        " s AS (INSERT INTO run_nodes (run_id, order_index, node_type, config)"
        "       SELECT id, 0, 'delay', '{\"seconds\": 1}' FROM r)"
        " SELECT id::text FROM r"
    )
    api = start(database.url)
    # It is looked for beside the first requests: that it was done is told in the log.
    deadline = time.monotonic() + 20
    while not any(line["message"] == "abandoned runs were ended" for line in api.lines()):
        assert time.monotonic() < deadline, api.written()
        time.sleep(0.05)
    left = Maker(api.api).history({"run_id": run})
    why = "the server stopped while this was going on"
    assert (left["status"], left["error"]) == ("failed", why)
    assert [(step["status"], step["error"]) for step in left["steps"]] == [("failed", why)]


def test_a_run_that_goes_on_is_not_ended_by_another_server(
    database: Database, start: Start
) -> None:
    run = database.value(
        "WITH w AS (INSERT INTO workflows (name) VALUES ('goes on') RETURNING id)"
        " INSERT INTO runs (workflow_id) SELECT id FROM w RETURNING id::text"
    )
    api = start(database.url)
    assert Maker(api.api).history({"run_id": run})["status"] == "running"
