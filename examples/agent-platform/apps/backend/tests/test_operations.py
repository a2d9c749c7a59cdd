"""/healthz, /metrics, CORS, and how the service starts, fails and stops."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from conftest import Scratch, url_of
from sqlalchemy import make_url

Start = Callable[[str], tuple[httpx.Client, subprocess.Popen[bytes]]]
NOBODY_LISTENS = "postgresql+asyncpg://agent:hunter2@127.0.0.1:1/agent_platform"


def sample(metrics: str, line_start: str) -> float:
    for line in metrics.splitlines():
        if line.startswith(line_start):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no sample {line_start}")


def test_healthy_means_the_database_answers(api: httpx.Client) -> None:
    answer = api.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "healthy", "db": True})


def test_without_its_database_the_service_is_unhealthy_and_says_why(start_api: Start) -> None:
    api, _ = start_api(NOBODY_LISTENS)
    answer = api.get("/healthz")
    assert answer.status_code == 503
    health = answer.json()
    assert (health["status"], health["db"]) == ("unhealthy", False)
    assert "127.0.0.1:1" in health["reason"]
    assert "hunter2" not in answer.text
    listing = api.get("/workflows")
    assert listing.status_code == 503
    assert listing.headers["content-type"] == "application/problem+json"
    metrics = api.get("/metrics").text
    assert sample(metrics, "database_up ") == 0
    assert 'workflow_runs{status="running"}' not in metrics


def test_a_missing_database_is_named(start_api: Start) -> None:
    api, _ = start_api(url_of("no_such_database"))
    assert api.get("/healthz").json()["reason"] == 'database "no_such_database" does not exist'
    assert api.get("/workflows").status_code == 503


def test_without_schema_the_service_is_healthy_and_says_what_is_missing(
    start_api: Start, empty_database: Scratch
) -> None:
    api, _ = start_api(empty_database.url)
    assert api.get("/healthz").status_code == 200
    listing = api.get("/workflows")
    assert listing.status_code == 503
    assert "the schema in db/*.sql has not been applied" in listing.json()["detail"]


def test_the_service_finds_its_database_again(start_api: Start, database: Scratch) -> None:
    api, _ = start_api(database.url)
    assert api.get("/workflows").status_code == 200
    Scratch("postgres").execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.name}'"
    )
    assert api.get("/workflows").status_code == 200


def test_metrics_count_requests_by_route_and_runs_by_status(
    api: httpx.Client, workflow: dict[str, Any]
) -> None:
    line = 'http_requests_total{method="GET",route="/workflows/{workflow_id}",status="200"}'
    api.get(f"/workflows/{workflow['id']}")
    before = api.get("/metrics").text
    api.get(f"/workflows/{workflow['id']}")
    api.post("/runs", json={"workflow_id": workflow["id"]})
    after = api.get("/metrics").text
    assert sample(after, line) == sample(before, line) + 1
    running = 'workflow_runs{status="running"}'
    assert sample(after, running) == sample(before, running) + 1
    assert sample(after, "database_up ") == 1
    assert workflow["id"] not in after
    assert 'database_pool_connections{state="idle"}' in after


def test_the_front_end_may_call_and_a_stranger_may_not(api: httpx.Client) -> None:
    # As the service is configured; without a setting that is the front end's usual place.
    ours = os.environ.get("CORS_ORIGINS", "http://localhost:3000").split(",")[0]
    wanted = {"Access-Control-Request-Method": "POST"}
    allowed = api.options("/workflows", headers={"Origin": ours, **wanted})
    assert allowed.headers["access-control-allow-origin"] == ours
    refused = api.options("/workflows", headers={"Origin": "http://evil.example", **wanted})
    assert "access-control-allow-origin" not in refused.headers


def test_sigterm_ends_the_service_at_once(start_api: Start, database: Scratch) -> None:
    api, process = start_api(database.url)
    assert api.get("/workflows").status_code == 200  # leaves a kept-alive and a pooled connection
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mysql://u:hunter2@db/x", "wants postgresql+asyncpg://..., not mysql://..."),
        ("hunter2", "not a database URL"),
        ("", "Field required"),
    ],
)
def test_an_unusable_environment_is_said_in_one_line(url: str, complaint: str) -> None:
    ended = Scratch.run_module(type("", (), {"url": url}), "app.prune_events")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: the environment is not usable:\n  DATABASE_URL: ")
    assert complaint in ended.stderr
    assert "hunter2" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_url_without_driver_is_understood(start_api: Start, database: Scratch) -> None:
    assert make_url(database.url).drivername == "postgresql"
    api, _ = start_api(database.url)
    assert api.get("/healthz").status_code == 200
