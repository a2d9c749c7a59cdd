"""The tests talk to the running AgentOS and its stores; what they make they delete."""

import asyncio
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import jwt
import pytest
from redis import Redis

HERE = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def agentos() -> Iterator[httpx.Client]:
    base = os.environ.get("AGENTOS_URL", "http://localhost:7777")
    with httpx.Client(base_url=base, timeout=10) as client:
        try:
            client.get("/health").raise_for_status()
        except httpx.HTTPError as error:
            pytest.fail(f"no healthy AgentOS at {base} (set AGENTOS_URL): {error}")
        yield client


@pytest.fixture(scope="session")
def redis() -> Iterator["Redis"]:
    with Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as client:
        yield client


def sql(
    work: "Callable[[asyncpg.Connection[asyncpg.Record]], Coroutine[Any, Any, Any]]",
) -> Any:
    async def connected() -> Any:
        connection = await asyncpg.connect(os.environ["DATABASE_URL"])
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


@pytest.fixture
def workspace() -> Iterator[uuid.UUID]:
    made = sql(
        lambda it: it.fetchval(
            "INSERT INTO workspaces (name) VALUES ($1) RETURNING id", f"test-{uuid.uuid4()}"
        )
    )
    yield made
    sql(lambda it: it.execute("DELETE FROM workspaces WHERE id = $1", made))


def new_run(workspace: uuid.UUID, agent: str, text: str) -> uuid.UUID:
    made: uuid.UUID = sql(
        lambda it: it.fetchval(
            "INSERT INTO agent_runs (workspace_id, agent, input) VALUES ($1, $2, $3) RETURNING id",
            workspace,
            agent,
            text,
        )
    )
    return made


def row_of(run: uuid.UUID) -> dict[str, Any]:
    return dict(sql(lambda it: it.fetchrow("SELECT * FROM agent_runs WHERE id = $1", run)))


def finished(run: uuid.UUID) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        row = row_of(run)
        if row["status"] in ("completed", "failed"):
            return row
        time.sleep(0.05)
    pytest.fail(f"the run {run} was not finished within 10 s")


def bearer(secret: str | None = None, **claims: Any) -> dict[str, str]:
    known = {"aud": "agentos", "exp": int(time.time()) + 60, **claims}
    given = {name: value for name, value in known.items() if value is not None}
    token = jwt.encode(given, secret or os.environ["BETTER_AUTH_SECRET"], algorithm="HS256")
    return {"authorization": f"Bearer {token}"}


@contextmanager
def started(**settings: str | None) -> Iterator[httpx.Client]:
    """An AgentOS of its own; a setting that is None is not set."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment: dict[str, str | None] = {**os.environ, **settings}
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port)],
        cwd=HERE,
        env={name: value for name, value in environment.items() if value is not None},
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            deadline = time.monotonic() + 30
            while True:
                try:
                    client.get("/")
                    break
                except httpx.TransportError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        pytest.fail(f"AgentOS did not start (exit {process.poll()})")
                    time.sleep(0.05)
            yield client
    finally:
        process.terminate()
        process.wait(10)
