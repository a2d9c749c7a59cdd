"""What is missing or wrong in the environment is said by name, and nothing else is."""

import pytest

from settings import read_settings
from tests.conftest import started

GOOD = {
    "DATABASE_URL": "postgresql://a:hidden-password@b/c",
    "REDIS_URL": "redis://b",
    "BETTER_AUTH_SECRET": "long enough for a test of the settings",
}


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "BETTER_AUTH_SECRET"])
def test_a_missing_variable_is_named_by_health(name: str) -> None:
    with started(**{name: None}) as agentos:
        answer = agentos.get("/health")
    assert answer.status_code == 503
    (problem,) = answer.json()["environment"]
    assert problem.startswith(f"{name} is not set: ")


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    with started(DATABASE_URL="postgresql://a:hidden-password@127.0.0.1:1/c") as agentos:
        answer = agentos.get("/health")
    assert answer.status_code == 503
    body = answer.json()
    assert body["database"].startswith("PostgreSQL at 127.0.0.1:1: ")
    assert body["redis"] == "ok"
    assert "hidden-password" not in answer.text


def test_a_redis_that_does_not_answer_is_named() -> None:
    with started(REDIS_URL="redis://127.0.0.1:1/0") as agentos:
        answer = agentos.get("/health")
    assert answer.status_code == 503
    assert answer.json()["redis"].startswith("Redis at 127.0.0.1:1: ")
    assert answer.json()["database"] == "ok"


def test_a_whole_environment_has_no_problems_and_the_usual_origins() -> None:
    settings = read_settings(GOOD)
    assert settings.problems == ()
    assert settings.cors_origins == ("http://localhost:3000", "http://localhost:3001")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("DATABASE_URL", "mysql://x", "DATABASE_URL does not begin with postgresql://"),
        ("REDIS_URL", "localhost:6379", "REDIS_URL does not begin with redis://"),
        ("BETTER_AUTH_SECRET", "short", "BETTER_AUTH_SECRET is shorter than 32 characters"),
    ],
)
def test_an_unusable_variable_is_named(name: str, value: str, problem: str) -> None:
    assert read_settings({**GOOD, name: value}).problems == (problem,)


def test_settings_do_not_print_their_secrets() -> None:
    assert "hidden-password" not in repr(read_settings(GOOD))
    assert GOOD["BETTER_AUTH_SECRET"] not in repr(read_settings(GOOD))
