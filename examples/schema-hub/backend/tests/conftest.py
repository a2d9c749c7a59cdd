"""The tests talk to a running API (API_URL) and to a real PostgreSQL (DATABASE_URL).

They change nothing that is already there: what they make through the API they delete for good
afterwards, and what needs a database of its own makes one beside the given one and drops it.
"""

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
from typing import Any, TypeVar

import asyncpg
import httpx
import pytest
from sqlalchemy import make_url

T = TypeVar("T")

BACKEND = Path(__file__).parent.parent
Json = dict[str, Any]


def url_of(database: str | None = None) -> str:
    url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql")
    if database is not None:
        url = url.set(database=database)
    return url.render_as_string(hide_password=False)


class Patient(httpx.HTTPTransport):
    """Does what a 429 asks for, as every client of the API should."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(30):
            response = super().handle_request(request)
            if response.status_code != 429:
                break
            response.close()
            time.sleep(float(response.headers["retry-after"]))
        return response


@pytest.fixture(scope="session")
def api() -> Iterator[httpx.Client]:
    base = os.environ.get("API_URL") or f"http://localhost:{os.environ.get('PORT', '8000')}"
    with httpx.Client(base_url=base, timeout=10, transport=Patient()) as client:
        try:
            client.get("/health").raise_for_status()
        except httpx.HTTPError as error:
            pytest.fail(f"no healthy API at {base} (set API_URL): {error}")
        yield client


class Scratch:
    """A database, by itself."""

    def __init__(self, name: str | None = None) -> None:
        self.url = url_of(name)

    def do(self, work: Callable[[asyncpg.Connection], Coroutine[Any, Any, T]]) -> T:
        async def connected() -> T:
            connection = await asyncpg.connect(self.url)
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(connected())

    def execute(self, sql: str, *arguments: Any) -> None:
        self.do(lambda connection: connection.execute(sql, *arguments))

    def value(self, sql: str, *arguments: Any) -> Any:
        return self.do(lambda connection: connection.fetchval(sql, *arguments))

    def column(self, sql: str) -> list[Any]:
        rows = self.do(lambda connection: connection.fetch(sql))
        return [row[0] for row in rows]

    def alembic(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=BACKEND,
            env={**os.environ, "DATABASE_URL": self.url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="session")
def here() -> Scratch:
    """The database of the running API."""
    return Scratch()


@contextmanager
def new_database(template: str = "template0") -> Iterator[str]:
    name = f"schema_hub_test_{uuid.uuid4().hex[:12]}"
    maintenance = Scratch("postgres")
    maintenance.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield name
    finally:
        maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated() -> Iterator[str]:
    """A database that Alembic made and nobody uses but to copy it."""
    with new_database() as name:
        upgraded = Scratch(name).alembic("upgrade", "head")
        assert upgraded.returncode == 0, upgraded.stderr
        yield name


@pytest.fixture
def empty_database() -> Iterator[Scratch]:
    with new_database() as name:
        yield Scratch(name)


@pytest.fixture
def database(migrated: str) -> Iterator[Scratch]:
    """One with the schema."""
    with new_database(migrated) as name:
        yield Scratch(name)


class Made:
    """Makes rows through the API with names nobody else has, and knows them afterwards."""

    def __init__(self, api: httpx.Client) -> None:
        self.api = api
        self.mark = f"T{uuid.uuid4().hex[:12]}"
        self.rows: list[tuple[str, str]] = []

    def post(self, path: str, **body: Any) -> Json:
        answer = self.api.post(path, json=body)
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        self.rows.append((path.strip("/"), made["id"]))
        return made

    def name(self) -> str:
        return f"{self.mark}-{len(self.rows)}"

    def entity(self, entity_type: str = "category", **body: Any) -> Json:
        named = {"entity_id": self.name(), "label": "Made by a test", "entity_type": entity_type}
        return self.post("/entities", **(named | body))

    def module(self, **body: Any) -> Json:
        return self.post(
            "/modules", **({"module_id": self.name(), "label": "Made by a test"} | body)
        )

    def profile(self, **body: Any) -> Json:
        named = {"profile_id": self.name(), "label": "Made by a test"}
        return self.post("/profiles", **(named | body))

    def draft(self, **body: Any) -> Json:
        return self.post("/drafts", **({"title": self.name()} | body))

    def of(self, noun: str) -> Json:
        return {
            "entities": self.entity,
            "modules": self.module,
            "profiles": self.profile,
            "drafts": self.draft,
        }[noun]()


@pytest.fixture
def made(api: httpx.Client, here: Scratch) -> Iterator[Made]:
    made = Made(api)
    yield made
    for table, row in made.rows:
        here.execute(f"DELETE FROM {table} WHERE id = $1", uuid.UUID(row))
    here.execute("DELETE FROM entities WHERE entity_id LIKE $1 || '%'", made.mark)


def bearer(draft: Json) -> dict[str, str]:
    return {"authorization": f"Bearer {draft['capability_token']}"}


def problem_of(response: httpx.Response, status: int) -> Json:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: Json = response.json()
    assert body["status"] == status
    assert body["instance"] == response.request.url.path
    return body


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Started:
    """An API process of its own."""

    def __init__(self, database_url: str, **settings: str) -> None:
        port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port)],
            cwd=BACKEND,
            env={
                **os.environ,
                "DATABASE_URL": database_url,
                "DB_TIMEOUT_SECONDS": "1",
                **{name.upper(): value for name, value in settings.items()},
            },
        )
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.api.get("/health")
                return
            except httpx.TransportError:
                time.sleep(0.05)
        pytest.fail(f"the API did not start (exit {self.process.poll()})")

    def stop(self) -> None:
        self.api.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start_api() -> Iterator[Callable[..., httpx.Client]]:
    started: list[Started] = []

    def start(database_url: str, **settings: str) -> httpx.Client:
        started.append(Started(database_url, **settings))
        return started[-1].api

    yield start
    for one in started:
        one.stop()
