"""What each kind of node does, in real runs."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from here import Database, Json, Maker, Started

SHOP = {"items": [{"name": "tea", "price": 3}, {"name": "cup", "price": 8}], "total": 11.5}


@pytest.mark.parametrize(
    ("node", "given", "output"),
    [
        ({"node_type": "text_template", "template": "{{input.items[1].name}}"}, SHOP, "cup"),
        ({"node_type": "text_template", "template": "{{ input['total'] }} €"}, SHOP, "11.5 €"),
        ({"node_type": "text_template", "template": "{{ input }}"}, {"a": [1]}, '{"a": [1]}'),
        ({"node_type": "text_template", "template": "{ no placeholder }"}, 1, "{ no placeholder }"),
        ({"node_type": "regex_extract", "pattern": "b+"}, "abbbc", "bbb"),
        ({"node_type": "regex_extract", "pattern": "(a)(b)?", "group": 2}, "ac", None),
        (
            {"node_type": "regex_extract", "pattern": r"\d+", "all": True},
            "1, 22, 3",
            ["1", "22", "3"],
        ),
        ({"node_type": "regex_extract", "pattern": "x", "all": True}, "abc", []),
        ({"node_type": "json_path", "path": "$.items[-1].price"}, SHOP, 8),
        ({"node_type": "json_path", "path": "$..name", "all": True}, SHOP, ["tea", "cup"]),
        ({"node_type": "json_path", "path": "$.items[?@.price > 5].name"}, SHOP, "cup"),
        ({"node_type": "json_path", "path": "$.a"}, '{"a": {"b": null}}', {"b": None}),
        ({"node_type": "json_path", "path": "$.none", "all": True}, SHOP, []),
        ({"node_type": "delay", "seconds": 0}, [1, "two"], [1, "two"]),
    ],
)
def test_a_node_makes_its_output(make: Maker, node: Json, given: Any, output: Any) -> None:
    answer = make.run(make.workflow(node), given)
    assert (answer["status"], answer["final_output"]) == ("succeeded", output), answer


@pytest.mark.parametrize(
    ("node", "given", "said"),
    [
        ({"node_type": "text_template", "template": "{{ input.x }}"}, {}, "there is no such value"),
        ({"node_type": "regex_extract", "pattern": "x"}, "abc", "nothing in the text matches x"),
        ({"node_type": "regex_extract", "pattern": "a"}, [1], "wants text, and was given an array"),
        ({"node_type": "regex_extract", "pattern": "a", "group": 1}, "a", "no group 1"),
        ({"node_type": "regex_extract", "pattern": "a", "group": "x"}, "a", "no group 'x'"),
        # It would take longer than the universe is old.
        (
            {"node_type": "regex_extract", "pattern": "(a|a)*(a|a)*(a|a)*$"},
            60 * "a" + "b",
            "the pattern had no answer after 1 s",
        ),
        ({"node_type": "json_path", "path": "$.x"}, {}, "$.x selects nothing"),
        ({"node_type": "json_path", "path": "$"}, "{", "the input is text, and no JSON"),
        (
            {"node_type": "text_template", "template": "{{ input }}{{ input }}"},
            600_000 * "x",
            "the output cannot be kept: it has 1200002 bytes",
        ),
        ({"node_type": "json_path", "path": "$"}, '"\\u0000"', "NUL character"),
        ({"node_type": "json_path", "path": "$"}, "NaN", "nan is no JSON number"),
        (
            {"node_type": "http_call", "url": "http://169.254.169.254/latest"},
            None,
            "169.254.169.254:80 is not in HTTP_ALLOWED_HOSTS",
        ),
        (
            {"node_type": "http_call", "url": "http://{{ input }}/"},
            "db:5432",
            "not in HTTP_ALLOWED_HOSTS",
        ),
        ({"node_type": "fail", "message": "as told"}, None, "as told"),
    ],
)
def test_a_node_that_cannot_fails_its_run_and_says_why(
    make: Maker, node: Json, given: Any, said: str
) -> None:
    answer = make.run(make.workflow(node), given)
    assert (answer["status"], answer["final_output"]) == ("failed", None)
    assert answer["error"].startswith(f"node 0 ({node['node_type']}): ")
    assert said in answer["error"]


def test_http_call_reaches_a_service_and_passes_the_request_id_on(
    own: Started,
) -> None:
    make = Maker(own.api)
    workflow = make.workflow(
        {
            "node_type": "http_call",
            "url": f"{own.url}/workflows",
            "method": "POST",
            "send_input": True,
        },
        {"node_type": "json_path", "path": "$.body.id"},
        {"node_type": "http_call", "url": f"{own.url}/workflows/{{{{ input }}}}"},
        {"node_type": "json_path", "path": "$['body']['name']"},
    )
    headers = {"X-Request-ID": "from-the-test"}
    body = {"input": {"name": "made by a node"}}
    answer = own.api.post(f"/workflows/{workflow}/run", json=body, headers=headers).json()
    assert answer["final_output"] == "made by a node", answer
    called = [line["path"] for line in own.lines_about("from-the-test") if "path" in line]
    made = make.history(answer)["steps"][1]["output"]
    assert called == ["/workflows", f"/workflows/{made}", f"/workflows/{workflow}/run"]


def test_http_call_fails_where_the_answer_does(own: Started) -> None:
    make = Maker(own.api)
    node = {"node_type": "http_call", "url": f"{own.url}/nowhere/{{{{ input }}}}"}
    error = make.run(make.workflow(node), "a/../b?c")["error"]
    # The filled-in value is one part of the path, whatever it contains.
    assert f"GET {own.url}/nowhere/a%2F..%2Fb%3Fc was answered 404" in error


def test_http_call_fails_where_nobody_listens(
    database: Database, start: Callable[..., Started]
) -> None:
    make = Maker(start(database.url, http_allowed_hosts="127.0.0.1:1").api)
    node = {"node_type": "http_call", "url": "http://127.0.0.1:1/"}
    assert "Connection refused" in make.run(make.workflow(node))["error"]


def test_a_run_has_to_end_in_its_time(database: Database, start: Callable[..., Started]) -> None:
    make = Maker(start(database.url, run_timeout_seconds="20").api)
    nodes = [{"node_type": "delay", "seconds": 0.2}, {"node_type": "delay", "seconds": 20}]
    answer = make.run(make.workflow(*nodes))
    assert answer["status"] == "failed"
    assert answer["error"].startswith("node 1 (delay): a delay of 20 s, and the run has 1")


def test_a_run_whose_time_is_used_up_begins_no_node(
    database: Database, start: Callable[..., Started]
) -> None:
    make = Maker(start(database.url, run_timeout_seconds="0.001").api)
    answer = make.run(make.workflow({"node_type": "delay", "seconds": 0}))
    assert answer["status"] == "failed"
    assert "the run has used up its time (RUN_TIMEOUT_SECONDS)" in answer["error"]


def test_runs_that_wait_keep_no_other_request_waiting(
    database: Database, start: Callable[..., Started]
) -> None:
    one = start(database.url, run_concurrency="2")
    make = Maker(one.api)
    workflow = make.workflow({"node_type": "delay", "seconds": 1})
    threads = [threading.Thread(target=make.run, args=(workflow,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    begun = time.monotonic()
    assert one.api.get(f"/workflows/{workflow}").status_code == 200
    took = time.monotonic() - begun
    for thread in threads:
        thread.join()
    # Two at a time, so the six take three seconds; the reader waited for none of them.
    assert took < 1
