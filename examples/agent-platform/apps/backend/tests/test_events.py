import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

Json = dict[str, Any]


def log(api: httpx.Client, run: Json, message: str, **more: Any) -> Json:
    body = {"run_id": run["id"], "event_type": "log", "message": message, **more}
    created = api.post("/events", json=body)
    assert created.status_code == 201, created.text
    event: Json = created.json()
    return event


def test_a_created_event_reads_back_the_same(api: httpx.Client, run: Json) -> None:
    event = log(api, run, "hello", payload={"level": "info"})
    assert api.get(f"/events/{event['id']}").json() == event
    age = datetime.now(UTC) - datetime.fromisoformat(event["timestamp"])
    assert abs(age) < timedelta(minutes=1)


def test_events_of_a_run_come_in_the_order_of_their_time(api: httpx.Client, run: Json) -> None:
    later = datetime.now(UTC) + timedelta(seconds=60)
    log(api, run, "third", timestamp=(later + timedelta(seconds=2)).isoformat())
    log(api, run, "first", timestamp=later.isoformat())
    log(api, run, "second", timestamp=(later + timedelta(seconds=1)).isoformat())
    items = api.get(f"/runs/{run['id']}/events").json()["items"]
    assert [item["message"] for item in items] == [None, "first", "second", "third"]


def test_events_of_the_same_moment_come_in_the_order_of_their_making(
    api: httpx.Client, run: Json
) -> None:
    moment = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    made = [log(api, run, f"{n}", timestamp=moment)["id"] for n in range(12)]
    first = api.get(f"/runs/{run['id']}/events", params={"limit": 7}).json()
    rest = api.get(f"/runs/{run['id']}/events", params={"limit": 7, "offset": 7}).json()
    listed = [item["id"] for item in first["items"] + rest["items"]]
    assert first["total"] == 13
    assert listed[1:] == made


def test_an_event_of_a_month_without_partition_is_kept_too(api: httpx.Client, run: Json) -> None:
    event = log(api, run, "old", timestamp="2001-02-03T04:05:06+00:00")
    assert api.get(f"/events/{event['id']}").json()["timestamp"] == "2001-02-03T04:05:06Z"
    assert api.get(f"/runs/{run['id']}/events").json()["items"][0] == event


def test_a_correction_changes_what_was_said_not_what_happened(api: httpx.Client, run: Json) -> None:
    event = log(api, run, "tpyo")
    changed = api.patch(f"/events/{event['id']}", json={"message": "typo", "payload": {"n": 1}})
    assert changed.json() == {**event, "message": "typo", "payload": {"n": 1}}
    for fixed in (
        {"event_type": "metric"},
        {"timestamp": event["timestamp"]},
        {"run_id": run["id"]},
    ):
        assert api.patch(f"/events/{event['id']}", json=fixed).status_code == 422
    assert api.get(f"/events/{event['id']}").json() == changed.json()


def test_events_are_listed_newest_first_by_run_and_type(api: httpx.Client, run: Json) -> None:
    log(api, run, "one")
    log(api, run, "two")
    listed = api.get("/events", params={"run_id": run["id"], "event_type": "log"}).json()
    assert [item["message"] for item in listed["items"]] == ["two", "one"]


def test_an_event_names_only_nodes_of_its_own_run(
    api: httpx.Client, workflow: Json, run: Json
) -> None:
    node = api.post(f"/runs/{run['id']}/nodes", json={"node_id": "n"}).json()
    assert log(api, run, "x", node_execution_id=node["id"])["node_execution_id"] == node["id"]
    other = api.post("/runs", json={"workflow_id": workflow["id"]}).json()
    body = {"run_id": other["id"], "event_type": "log", "node_execution_id": node["id"]}
    assert api.post("/events", json=body).status_code == 409


def test_what_is_not_there_is_404(api: httpx.Client, run: Json) -> None:
    missing = str(uuid.uuid4())
    body = {"run_id": run["id"], "event_type": "log", "node_execution_id": missing}
    answers = [
        api.post("/events", json={"run_id": missing, "event_type": "log"}),
        api.post("/events", json=body),
        api.get("/events/9223372036854775807"),
        api.patch("/events/9223372036854775807", json={"message": "x"}),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)


@pytest.mark.parametrize("event_id", ["0", "-1", "9223372036854775808", "x"])
def test_an_impossible_event_id_is_422(api: httpx.Client, event_id: str) -> None:
    assert api.get(f"/events/{event_id}").status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_type", "run_exploded"),
        ("run_id", "7"),
        ("timestamp", "2026-01-01T00:00:00"),  # no offset: whose clock?
        ("payload", "text"),
    ],
)
def test_a_wrong_field_is_422_and_named(
    api: httpx.Client, run: Json, field: str, value: str
) -> None:
    body = {"run_id": run["id"], "event_type": "log", field: value}
    refused = api.post("/events", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["where"] == f"body.{field}"
