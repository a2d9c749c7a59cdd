"""The tests talk to a running API (API_URL) and to a real PostgreSQL (DATABASE_URL).

They change nothing that is already there: what they create through the API they delete again,
and what needs a database of its own makes one beside the given one and drops it.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import pytest
from sqlalchemy import make_url

T = TypeVar("T")
BACKEND = Path(__file__).parent.parent
SQL_FILES = sorted((BACKEND / "db").glob("*.sql"))


def url_of(database: str | None = None) -> str:
    url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql")
    if database is not None:
        url = url.set(database=database)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def api() -> Iterator[httpx.Client]:
    base = os.environ.get("API_URL") or f"http://localhost:{os.environ.get('PORT', '8001')}"
    with httpx.Client(base_url=base, timeout=10) as client:
        try:
            client.get("/healthz").raise_for_status()
        except httpx.HTTPError as error:
            pytest.fail(f"no healthy API at {base} (set API_URL): {error}")
        yield client


@pytest.fixture
def workflow(api: httpx.Client) -> Iterator[dict[str, Any]]:
    """A workflow that is gone, with all that hangs on it, after the test."""
    body = {"name": f"test {uuid.uuid4()}", "definition": {"nodes": ["plan", "act"]}}
    created = api.post("/workflows", json=body)
    assert created.status_code == 201, created.text
    yield created.json()
    api.delete(f"/workflows/{created.json()['id']}")


@pytest.fixture
def run(api: httpx.Client, workflow: dict[str, Any]) -> dict[str, Any]:
    created = api.post("/runs", json={"workflow_id": workflow["id"], "input": {"q": 1}})
    assert created.status_code == 201, created.text
    return created.json()


class Scratch:
    """An empty database of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = url_of(name)

    def do(self, work: Callable[[asyncpg.Connection], Coroutine[Any, Any, T]]) -> T:
        async def connected() -> T:
            connection = await asyncpg.connect(self.url)
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(connected())

    def execute(self, sql: str) -> None:
        self.do(lambda connection: connection.execute(sql))

    def value(self, sql: str) -> Any:
        return self.do(lambda connection: connection.fetchval(sql))

    def column(self, sql: str) -> list[Any]:
        rows = self.do(lambda connection: connection.fetch(sql))
        return [row[0] for row in rows]

    def apply_schema(self) -> None:
        for file in SQL_FILES:
            self.execute(f"BEGIN; {file.read_text()}; COMMIT")

    def run_module(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m ...` on this database, as the containers run it."""
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=BACKEND,
            env={**os.environ, "DATABASE_URL": self.url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def empty_database() -> Iterator[Scratch]:
    name = f"agent_platform_test_{uuid.uuid4().hex[:12]}"
    maintenance = Scratch("postgres")
    maintenance.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield Scratch(name)
    maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(empty_database: Scratch) -> Scratch:
    empty_database.apply_schema()
    return empty_database


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def start_api() -> Iterator[Callable[[str], tuple[httpx.Client, subprocess.Popen[bytes]]]]:
    """Starts an API process of its own on a given database."""
    started: list[tuple[httpx.Client, subprocess.Popen[bytes]]] = []

    def start(database_url: str) -> tuple[httpx.Client, subprocess.Popen[bytes]]:
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port)],
            cwd=BACKEND,
            env={**os.environ, "DATABASE_URL": database_url, "DB_TIMEOUT_SECONDS": "1"},
        )
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
        started.append((client, process))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.get("/healthz")
                return client, process
            except httpx.TransportError:
                time.sleep(0.05)
        pytest.fail(f"the API did not start (exit {process.poll()})")

    yield start
    for client, process in started:
        client.close()
        process.kill()
        process.wait()
