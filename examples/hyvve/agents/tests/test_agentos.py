"""AgentOS as it runs: what it says of itself, who may ask it, and what becomes of a run."""

import asyncio
import json
import uuid

import httpx
import pytest
from redis import Redis

from stores import QUEUE, TAKEN
from tests.conftest import bearer, finished, new_run, row_of, started

ORIGINS = ["http://localhost:3000", "http://localhost:3001"]


def test_the_root_says_which_service_it_is(agentos: httpx.Client) -> None:
    body = agentos.get("/").json()
    assert body["service"] == "AgentOS"
    assert body["agents"] == ["contacts", "keywords", "summary"]


def test_health_asks_the_database_and_redis(agentos: httpx.Client) -> None:
    answer = agentos.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "environment": "ok",
        "database": "ok",
        "redis": "ok",
        "worker": "ok",
    }


def test_more_questions_at_once_than_there_are_connections_are_all_answered(
    agentos: httpx.Client,
) -> None:
    limits = httpx.Limits(max_connections=60)

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(
            base_url=agentos.base_url, timeout=20, limits=limits
        ) as client:
            return await asyncio.gather(*(client.get("/health") for _ in range(240)))

    answers = asyncio.run(ask())
    wrong = {answer.text for answer in answers if answer.status_code != 200}
    assert not wrong


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_front_end_and_the_api_may_ask_from_a_browser(
    agentos: httpx.Client, origin: str
) -> None:
    asked = {"origin": origin, "access-control-request-method": "GET"}
    answer = agentos.options("/runs", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    simple = agentos.get("/", headers={"origin": origin})
    assert simple.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize("origin", ["http://localhost:3002", "https://example.com", "null"])
def test_nobody_else_may_ask_from_a_browser(agentos: httpx.Client, origin: str) -> None:
    assert "access-control-allow-origin" not in agentos.get("/", headers={"origin": origin}).headers


@pytest.mark.parametrize(
    ("agent", "text", "output"),
    [
        ("keywords", "Moon and tides. Tides!", {"keywords": ["tides", "moon"]}),
        (
            "summary",
            "Hello there. The moon pulls the tides. Bye.",
            {"summary": "The moon pulls the tides.", "sentences": 3, "words": 8},
        ),
        (
            "contacts",
            "Mail a.b@example.com (or a.b@example.com), see https://example.com/x.",
            {"emails": ["a.b@example.com"], "links": ["https://example.com/x"]},
        ),
    ],
)
def test_a_queued_run_is_carried_out(
    redis: "Redis", workspace: uuid.UUID, agent: str, text: str, output: object
) -> None:
    run = new_run(workspace, agent, text)
    assert row_of(run)["status"] == "queued"
    redis.lpush(QUEUE, str(run))
    row = finished(run)
    assert (row["status"], row["error"], json.loads(row["output"])) == ("completed", None, output)
    assert row["finished_at"] is not None


def test_a_run_that_fails_says_why(redis: "Redis", workspace: uuid.UUID) -> None:
    run = new_run(workspace, "summary", "   ")
    redis.lpush(QUEUE, str(run))
    row = finished(run)
    assert (row["status"], row["error"]) == ("failed", "the text has no sentence")


def test_a_run_that_a_worker_took_and_left_is_carried_out_by_the_next(
    redis: "Redis", workspace: uuid.UUID
) -> None:
    run = new_run(workspace, "contacts", "a@example.com")
    redis.lpush(TAKEN, str(run))
    with started():
        assert finished(run)["status"] == "completed"


def test_what_is_no_run_in_the_queue_stops_nothing(redis: "Redis", workspace: uuid.UUID) -> None:
    run = new_run(workspace, "contacts", "a@example.com")
    redis.lpush(QUEUE, "not a run", str(uuid.uuid4()), str(run))
    assert finished(run)["status"] == "completed"


def test_the_runs_of_a_workspace_are_for_its_token(
    agentos: httpx.Client, redis: "Redis", workspace: uuid.UUID
) -> None:
    run = new_run(workspace, "contacts", "a@example.com")
    redis.lpush(QUEUE, str(run))
    finished(run)
    (item,) = agentos.get("/runs", headers=bearer(workspace=str(workspace))).json()["items"]
    assert (item["id"], item["status"]) == (str(run), "completed")
    assert item["output"] == {"emails": ["a@example.com"], "links": []}
    other = agentos.get("/runs", headers=bearer(workspace=str(uuid.uuid4())))
    assert other.json() == {"items": []}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Basic eDp4"},
        bearer("another secret, of thirty-two bytes!", workspace=str(uuid.uuid4())),
        bearer(workspace=str(uuid.uuid4()), exp=1),
        bearer(workspace=str(uuid.uuid4()), exp=None),
        bearer(workspace=str(uuid.uuid4()), aud="somebody"),
        bearer(workspace="not an id"),
        bearer(),
    ],
    ids=["none", "basic", "secret", "old", "for ever", "audience", "no id", "no workspace"],
)
def test_without_a_good_token_there_are_no_runs(
    agentos: httpx.Client, headers: dict[str, str]
) -> None:
    answer = agentos.get("/runs", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
