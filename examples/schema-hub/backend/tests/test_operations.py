"""/health, the rate limit, and how the service starts and fails."""

import os
import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest
from conftest import BACKEND, Scratch, problem_of, url_of

from app import rate_limit
from app.rate_limit import Buckets

Start = Callable[..., httpx.Client]
NOBODY_LISTENS = "postgresql+asyncpg://hub:hunter2@127.0.0.1:1/schema_hub"


def test_healthy_means_the_database_answers(api: httpx.Client) -> None:
    answer = api.get("/health")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "healthy", "database": "connected"},
    )


def test_without_its_database_the_service_is_unhealthy_and_says_why(start_api: Start) -> None:
    api = start_api(NOBODY_LISTENS)
    answer = api.get("/health")
    assert answer.status_code == 503
    assert (answer.json()["status"], answer.json()["database"]) == ("unhealthy", "unreachable")
    assert "127.0.0.1:1" in answer.json()["reason"]
    assert "hunter2" not in answer.text
    problem_of(api.get("/entities"), 503)


def test_a_missing_database_is_named(start_api: Start) -> None:
    api = start_api(url_of("no_such_database"))
    assert api.get("/health").json()["reason"] == 'database "no_such_database" does not exist'
    problem_of(api.get("/entities"), 503)


def test_without_migrations_the_service_says_what_is_missing(
    start_api: Start, empty_database: Scratch
) -> None:
    api = start_api(empty_database.url)
    assert api.get("/health").status_code == 200
    listing = problem_of(api.get("/entities"), 503)
    assert listing["detail"] == (
        'relation "entities" does not exist; the migrations have not been applied'
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "DATABASE_URL: Field required"),
        ("nonsense hunter2", "DATABASE_URL: Value error, not a database URL"),
        ("mysql://u:hunter2@h/d", "DATABASE_URL: Value error, wants postgresql+asyncpg://..."),
    ],
)
def test_an_unusable_environment_ends_the_service_with_a_line(url: str | None, said: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    started = subprocess.run(
        [sys.executable, "-c", "import app.main"],
        cwd=BACKEND,
        env=environment if url is None else {**environment, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert started.returncode == 1
    assert said in started.stderr
    assert "hunter2" not in started.stderr
    assert "Traceback" not in started.stderr


def test_beyond_the_limit_is_429_and_says_when_to_come_back(
    start_api: Start, database: Scratch
) -> None:
    api = start_api(database.url, rate_limit_per_second="0.5", rate_limit_burst="3")
    answers = [api.get("/entities") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    refused = problem_of(answers[-1], 429)
    assert answers[-1].headers["retry-after"] == "2"
    assert refused["detail"] == "more than 0.5 requests a second; try again in 2 s"
    assert api.get("/health").status_code == 200


def test_no_limit_is_no_limit(start_api: Start, database: Scratch) -> None:
    api = start_api(database.url, rate_limit_per_second="0", rate_limit_burst="1")
    assert {api.get("/entities").status_code for _ in range(20)} == {200}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_client_that_waits_as_told_gets_through() -> None:
    clock = Clock()
    buckets = Buckets(2, 3, clock)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    clock.now = 0.5
    assert [buckets.take("a") for _ in range(2)] == [0, 0.5]
    clock.now = 100
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_one_client_does_not_use_up_what_is_anothers() -> None:
    buckets = Buckets(1, 1, Clock())
    assert (buckets.take("a"), buckets.take("a"), buckets.take("b")) == (0, 1, 0)


def test_the_memory_of_clients_is_bounded() -> None:
    buckets = Buckets(1, 1, Clock())
    for number in range(rate_limit.MOST_CLIENTS + 500):
        buckets.take(str(number))
    assert len(buckets.filled) == rate_limit.MOST_CLIENTS


def test_the_documentation_names_every_endpoint(api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    for noun in ("entities", "modules", "profiles", "drafts"):
        one = next(path for path in paths if path.startswith(f"/{noun}/") and path.count("/") == 2)
        assert set(paths[f"/{noun}"]) == {"get", "post"}
        assert set(paths[one]) == {"get", "patch", "delete"}
        assert set(paths[f"{one}/restore"]) == {"post"}
