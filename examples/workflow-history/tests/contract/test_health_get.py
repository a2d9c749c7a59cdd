"""GET /health keeps to the contract, with a database and without one."""

from collections.abc import Callable

import httpx
from agreed import conforms
from here import Started, url_of

AT = ("GET", "/health")


def test_healthy_means_that_the_database_answers(api: httpx.Client) -> None:
    body = conforms(api.get("/health"), *AT, 200)
    assert body == {"status": "healthy", "database": "connected"}


def test_without_its_database_the_service_is_unhealthy_and_says_why(
    start: Callable[..., Started],
) -> None:
    api = start("postgresql://workflows:hunter2@127.0.0.1:1/workflow_history").api
    answer = api.get("/health")
    body = conforms(answer, *AT, 503)
    assert (body["status"], body["database"]) == ("unhealthy", "unreachable")
    assert 'connection to server at "127.0.0.1", port 1 failed' in body["reason"]
    assert "hunter2" not in answer.text


def test_a_database_that_is_not_there_is_named(start: Callable[..., Started]) -> None:
    body = conforms(start(url_of("no_such_database")).api.get("/health"), *AT, 503)
    assert 'database "no_such_database" does not exist' in body["reason"]
