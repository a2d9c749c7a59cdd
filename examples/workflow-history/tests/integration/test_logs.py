"""Each line of the log is JSON, with the request and the run that it belongs to."""

import re
from collections.abc import Callable

from here import Database, Maker, Started

Start = Callable[..., Started]


def test_the_lines_of_a_run_carry_its_id_and_the_requests(own: Started) -> None:
    make = Maker(own.api)
    workflow = make.workflow({"node_type": "fail", "message": "no"})
    answers = [
        own.api.post(f"/workflows/{workflow}/run", headers={"X-Request-ID": name})
        for name in ("first", "second")
    ]
    for name, answer in zip(("first", "second"), answers, strict=True):
        assert answer.headers["x-request-id"] == name
        run = answer.json()["run_id"]
        assert make.history({"run_id": run})["request_id"] == name
        lines = own.lines_about(name)
        assert [(line["level"], line["message"]) for line in lines] == [
            ("info", "run started"),
            ("warning", "node failed"),
            ("info", "run finished"),
            ("info", "request"),
        ]
        assert {line["run_id"] for line in lines} == {run}
        assert lines[1]["error"] == "no"
        assert (lines[3]["method"], lines[3]["status"]) == ("POST", 200)
        assert all(re.match(r"\d{4}-\d\d-\d\dT.*\+00:00$", line["time"]) for line in lines)


def test_a_request_without_an_id_gets_one_and_a_strange_one_is_not_taken(own: Started) -> None:
    given = [None, 'a"b', "x" * 65, ""]
    got = [
        own.api.get("/nowhere", headers={} if name is None else {"X-Request-ID": name}).headers[
            "x-request-id"
        ]
        for name in given
    ]
    assert all(re.fullmatch(r"[0-9a-f-]{36}", name) for name in got)
    assert len(set(got)) == 4
    assert [own.lines_about(name)[0]["path"] for name in got] == 4 * ["/nowhere"]


def test_probes_that_go_well_leave_no_line(own: Started) -> None:
    probe = own.api.get("/health").headers["x-request-id"]
    # One request after the other: when this one has its line, that one had its time.
    own.lines_about(own.api.get("/runs/7").headers["x-request-id"])
    assert [line for line in own.lines() if line.get("request_id") == probe] == []


def test_a_fault_of_the_server_is_logged_with_its_request_and_not_shown(
    database: Database, start: Start
) -> None:
    one = start(database.url)
    make = Maker(one.api)
    workflow = make.workflow({"node_type": "fail"})
    # Not a state that the service knows: a column is gone.
    database.execute("ALTER TABLE runs DROP COLUMN request_id")
    answer = one.api.post(f"/workflows/{workflow}/run", headers={"X-Request-ID": "the-one"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert (
        answer.json()["detail"] == "the server failed; its log says how, under request_id the-one"
    )
    (line,) = [line for line in one.lines_about("the-one") if line["level"] == "error"]
    assert "UndefinedColumn" in line["exception"]
