"""What the service says when its database is not as it should be, or its environment."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from agreed import ENDPOINTS, conforms
from here import ROOT, Database, Started, problem_of, url_of

Start = Callable[..., Started]
SOME_ID = "00000000-0000-4000-8000-000000000000"
BODIES = {
    "/workflows": {"name": "x"},
    "/workflows/{workflow_id}/nodes": {"node_type": "fail"},
    "/workflows/{workflow_id}/run": {"input": 1},
}


def test_without_its_database_every_endpoint_answers_503(start: Start) -> None:
    api = start("postgresql://workflows:hunter2@127.0.0.1:1/workflow_history").api
    for method, path in ENDPOINTS:
        at = path.replace("{workflow_id}", SOME_ID).replace("{run_id}", SOME_ID)
        answer = api.request(method, at, json=BODIES.get(path))
        body = conforms(answer, method, path, 503)
        assert "hunter2" not in answer.text
        if path != "/health":
            assert body["detail"].startswith("the database cannot be used: connection to server")


def test_a_wrong_password_is_named_without_saying_it(start: Start) -> None:
    right = url_of()
    user = right.partition("://")[2].partition(":")[0]
    wrong = right.replace(right.partition(f"{user}:")[2].partition("@")[0], "hunter2")
    # A connection from the server's own machine may need no password; the container's does.
    detail = problem_of(start(wrong).api.get(f"/runs/{SOME_ID}"), 503)["detail"]
    assert f'password authentication failed for user "{user}"' in detail
    assert "hunter2" not in detail


def test_without_migrations_the_service_says_what_is_missing(
    start: Start, empty_database: Database
) -> None:
    api = start(empty_database.url).api
    assert api.get("/health").status_code == 200
    detail = problem_of(api.get(f"/runs/{SOME_ID}"), 503)["detail"]
    assert detail == 'relation "runs" does not exist; the migrations have not been applied'


def test_a_connection_that_died_is_replaced(start: Start, database: Database) -> None:
    api = start(database.url).api
    made = api.post("/workflows", json={"name": "x"}).json()
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert api.get(f"/workflows/{made['id']}").json()["name"] == "x"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "DATABASE_URL: Field required"),
        ("nonsense hunter2", "DATABASE_URL: Value error, not a database URL"),
        ("mysql://u:hunter2@h/d", "DATABASE_URL: Value error, wants postgresql+psycopg2://..."),
    ],
)
def test_an_unusable_environment_ends_the_service_with_a_line(url: str | None, said: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    ended = subprocess.run(
        [sys.executable, "-c", "import server.main"],
        cwd=ROOT,
        env=environment if url is None else {**environment, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "hunter2" not in ended.stderr
    assert "Traceback" not in ended.stderr
