"""Where the tests work: a running API, its PostgreSQL, databases and API processes of their own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg2
from sqlalchemy import make_url

ROOT = Path(__file__).parent.parent
Json = dict[str, Any]


def url_of(database: str | None = None) -> str:
    url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql")
    if database is not None:
        url = url.set(database=database)
    return url.render_as_string(hide_password=False)


class Database:
    """A database, by itself."""

    def __init__(self, name: str | None = None) -> None:
        self.url = url_of(name)

    def column(self, sql: str, *arguments: Any) -> list[Any]:
        """The first column of what a statement answers with; [] for one that answers nothing."""
        connection = psycopg2.connect(self.url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, arguments or None)
                return [row[0] for row in cursor.fetchall()] if cursor.description else []
        finally:
            connection.close()

    def value(self, sql: str, *arguments: Any) -> Any:
        return self.column(sql, *arguments)[0]

    def execute(self, sql: str, *arguments: Any) -> None:
        self.column(sql, *arguments)

    def alembic(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": self.url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@contextmanager
def new_database(template: str = "template0") -> Iterator[str]:
    name = f"workflow_history_test_{uuid.uuid4().hex[:12]}"
    maintenance = Database("postgres")
    maintenance.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield name
    finally:
        maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Started:
    """An API process of its own, whose log is kept."""

    def __init__(self, database_url: str, **settings: str) -> None:
        self.port = free_port()
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  (closed by kill)
        # without_implementation.py names another one.
        app = os.environ.get("API_APP", "server.main:app")
        words = ["-m", "uvicorn", app, "--port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, *words, "--log-config", "server/log_config.json"],
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": database_url,
                "DB_TIMEOUT_SECONDS": "1",
                "HTTP_ALLOWED_HOSTS": f"127.0.0.1:{self.port}",
                **{name.upper(): value for name, value in settings.items()},
            },
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = httpx.Client(base_url=self.url, timeout=20)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.api.get("/health")
                return
            except httpx.TransportError:
                time.sleep(0.05)
        said = self.written()
        self.kill()
        raise AssertionError(f"the API did not start:\n{said}")

    def written(self) -> str:
        """Read without moving the place in the file: that is also where the process writes."""
        return os.pread(self.log.fileno(), os.fstat(self.log.fileno()).st_size, 0).decode()

    def lines(self) -> list[Json]:
        """What it has logged; every line has to be a JSON object."""
        ended, _, _ = self.written().rpartition("\n")
        lines = [json.loads(line) for line in ended.splitlines()]
        assert all(isinstance(line, dict) for line in lines)
        return lines

    def lines_about(self, request_id: str) -> list[Json]:
        """Of one request, whole: its own line, the last one, is written after its answer."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            mine = [line for line in self.lines() if line.get("request_id") == request_id]
            if mine and mine[-1]["message"] == "request":
                return mine
            time.sleep(0.02)
        raise AssertionError(f"no line of request {request_id}:\n{self.written()}")

    def kill(self) -> None:
        """As a crash would end it."""
        self.api.close()
        self.process.kill()
        self.process.wait()
        self.log.close()


class Maker:
    """Makes workflows through an API, under a mark by which they are found again."""

    def __init__(self, api: httpx.Client) -> None:
        self.api = api
        self.mark = f"test-{uuid.uuid4().hex}"

    def post(self, path: str, status: int, **body: Any) -> Json:
        answer = self.api.post(path, json=body)
        assert answer.status_code == status, answer.text
        made: Json = answer.json()
        return made

    def workflow(self, *nodes: Json) -> str:
        made: str = self.post("/workflows", 201, name=self.mark)["id"]
        for node in nodes:
            self.node(made, **node)
        return made

    def node(self, workflow: str, node_type: str, **config: Any) -> Json:
        return self.post(f"/workflows/{workflow}/nodes", 201, node_type=node_type, config=config)

    def run(self, workflow: str, given: Any = None) -> Json:
        return self.post(f"/workflows/{workflow}/run", 200, input=given)

    def history(self, run: Json) -> Json:
        answer = self.api.get(f"/runs/{run['run_id']}")
        assert answer.status_code == 200, answer.text
        history: Json = answer.json()
        return history


def problem_of(response: httpx.Response, status: int) -> Json:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: Json = response.json()
    assert body["status"] == status
    return body
