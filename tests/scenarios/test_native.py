"""The same commands without containers: a stack with a database and a web server, as processes of this machine."""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devstack.engine.native.engine import NativeEngine
from devstack.engine.native.processes import members
from devstack.engine.native.records import MARK
from devstack.engine.ports import bindable
from tests import warm
from tests.engine.native_home import home

SPEC = """\
name: {name}
services:
  db: {{kind: postgres, version: "17", database: shop, user: shop, port: {db}}}
  web:
    image: python:3.13-slim
    command: [python, -m, http.server, "8000", --bind, 0.0.0.0]
    working_dir: /site
    volumes: ["./site:/site"]
    ports: ["127.0.0.1:{web}:8000"]
    environment: {{DATABASE: "db:5432"}}
    healthcheck: {{test: [CMD, python, -c, "import urllib.request as r; r.urlopen('http://127.0.0.1:8000')"], interval: 2s}}
    depends_on: {{db: {{condition: service_healthy}}}}
  admin: {{image: "dpage/pgadmin4:9", depends_on: [db]}}
schema: {{service: db, database: shop, files: ["db/*.sql"]}}
verify:
  criteria:
    - id: store
      text: "The database answers"
      check: [{{check: sql, query: "select 1", equals: 1}}, {{check: port, service: db, port: 5432}}]
    - id: pages
      text: "Its administration has a page"
      check: [{{check: http, service: admin, port: 80}}, {{check: python, service: admin, function: "none.py:asks"}}]
"""


@dataclass
class Stack:
    """A checkout whose stack runs without containers."""

    folder: Path
    environment: dict[str, str]
    web: int

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return warm.run(words, cwd=self.folder, env=self.environment, timeout=120)

    def ok(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
        return done.stdout

    def page(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/", timeout=5) as answer:
            return str(answer.read().decode())

    def rows(self) -> str:
        return self.ok("db-shell", "--csv", "-c", "select count(*) from items").splitlines()[-1]

    @property
    def engine(self) -> NativeEngine:
        return NativeEngine(self.environment, root=self.folder)


def free_ports(count: int) -> list[int]:
    """Ports that a database and a web server may have."""
    return [port for port in random.sample(range(24000, 30000), 40) if bindable("127.0.0.1", port)][:count]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("native")
    ports = free_ports(2)
    project = folder / "shop"
    (project / "site").mkdir(parents=True)
    (project / "db").mkdir()
    (project / "site" / "index.html").write_text("<h1>hello</h1>")
    (project / "db" / "001.sql").write_text("create table items (id int primary key, title text);")
    name = f"t-native-{secrets.token_hex(3)}"
    (project / "devstack.yml").write_text(SPEC.format(name=name, db=ports[0], web=ports[1]))
    with home() as environment:
        made = Stack(project, {**environment, "CI": "1"}, ports[1])
        yield made
        made.run("down")


def test_up_starts_processes_applies_the_schema_and_names_what_is_left_out(stack: Stack) -> None:
    done = stack.run("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "services are processes of this machine, not containers" in done.stderr
    assert "admin is left out: nothing is known of how to run dpage/pgadmin4:9" in done.stderr
    assert stack.page() == "<h1>hello</h1>"
    assert stack.rows() == "0"


def test_second_up_changes_nothing(stack: Stack) -> None:
    stack.ok("up")
    assert stack.ok("up").startswith("nothing to do: 2 services healthy")


def test_strict_refuses_what_would_be_left_out(stack: Stack) -> None:
    done = stack.run("up", "--strict")
    assert done.returncode == 1 and "admin is left out" in done.stderr


def test_the_servers_version_is_the_one_that_was_asked_for(stack: Stack) -> None:
    stack.ok("up")
    assert stack.ok("db-shell", "--csv", "-c", "show server_version").splitlines()[-1].startswith("17.")
    assert stack.ok("db-shell", "--csv", "-c", "show server_encoding").splitlines()[-1] == "UTF8"
    assert "C.UTF-8" in stack.ok("db-shell", "--csv", "-c", "select datcollate from pg_database where datname = 'shop'")


def test_another_major_version_is_refused_by_name(stack: Stack, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "devstack.yml").write_text("services:\n  cache: {kind: redis, version: '3'}\n")
    done = subprocess.run(
        [sys.executable, "-m", "devstack", "up"], cwd=other, env=stack.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0 and "Redis 3 (redis-server) is not on this machine" in done.stderr


def test_down_keeps_the_data_and_ends_every_process(stack: Stack) -> None:
    stack.ok("up")
    stack.ok("db-shell", "-c", "insert into items values (1, 'tea') on conflict do nothing")
    ids = [container.id for container in stack.engine.containers()]
    stack.ok("down")
    assert [pid for name in ids for pid in members(-1, f"{MARK}={name}".encode())] == []
    stack.ok("up")
    assert stack.rows() == "1"


def test_reset_empties_and_undo_brings_back(stack: Stack) -> None:
    stack.ok("up")
    stack.ok("db-shell", "-c", "insert into items values (2, 'milk') on conflict do nothing")
    before = stack.rows()
    stack.ok("reset", "--yes")
    assert stack.rows() == "0"
    stack.ok("undo", "--yes")
    assert stack.rows() == before


def test_logs_exec_status_and_doctor_speak_of_processes(stack: Stack) -> None:
    stack.ok("up")
    stack.page()
    assert "GET / HTTP" in stack.ok("logs", "web")
    assert stack.ok("exec", "web", "cat", "/site/index.html") == "<h1>hello</h1>"
    rows = {row["service"]: row for row in json.loads(stack.ok("status", "--json"))["data"]["services"]}
    assert rows["web"]["state"] == rows["db"]["state"] == "healthy"
    assert "no isolation" in stack.ok("doctor")
    environment = stack.ok("exec", "web", "sh", "-c", "echo $DATABASE")
    assert environment.startswith("127.0.0.1:")


def test_an_edit_on_the_host_is_served_at_once(stack: Stack) -> None:
    stack.ok("up")
    page = stack.folder / "site" / "index.html"
    page.write_text("<h1>changed</h1>")
    assert stack.page() == "<h1>changed</h1>"
    page.write_text("<h1>hello</h1>")


def test_a_database_that_is_killed_comes_back_with_its_rows(stack: Stack) -> None:
    stack.ok("up")
    stack.ok("db-shell", "-c", "insert into items values (3, 'salt') on conflict do nothing")
    before = stack.rows()
    db = next(c for c in stack.engine.containers() if c.service == "db")
    stack.engine.kill(db.id)
    stack.ok("up")
    assert stack.rows() == before


def test_up_killed_at_any_moment_is_healed_by_the_next_up(stack: Stack) -> None:
    stack.ok("up")
    before = stack.rows()
    chance = random.Random(3)
    for _ in range(int(os.environ.get("DEVSTACK_NATIVE_KILLS", "4"))):
        stack.ok("down")
        child = subprocess.Popen(
            [sys.executable, "-m", "devstack", "up"], cwd=stack.folder, env=stack.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(0.3 + chance.random() * 2.0)
        child.send_signal(signal.SIGKILL)
        child.wait()
        stack.ok("up")
        states = [container.state.value for container in stack.engine.containers()]
        assert states == ["running", "running"]
        assert stack.rows() == before


def test_a_second_worktree_runs_beside_the_first(stack: Stack) -> None:
    stack.ok("up")
    other = stack.folder.parent / "worktree"
    shutil.copytree(stack.folder, other, ignore=shutil.ignore_patterns(".env", "compose.yaml", ".devstack"))
    second = Stack(other, stack.environment, 0)
    text = (other / "devstack.yml").read_text().replace(f'"127.0.0.1:{stack.web}:8000"', '"127.0.0.1::8000"')
    (other / "devstack.yml").write_text(text)
    second.ok("up")
    try:
        assert second.rows() == "0"
        assert len({container.project for container in stack.engine.containers()}) == 2
    finally:
        second.ok("down")
    assert stack.page() == "<h1>hello</h1>"


def test_verify_proves_the_stack_and_says_that_it_is_native(stack: Stack) -> None:
    done = stack.run("verify", "--only", "start", "--only", "reach", "--only", "schema")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.splitlines()[0].startswith("engine   Native")
    assert "db:5432 from web" in done.stdout


def test_a_criterion_about_a_service_that_is_left_out_is_open_and_not_failed(stack: Stack) -> None:
    done = stack.run("verify", "--only", "criteria", "--json")
    data = json.loads(done.stdout)["data"]
    assert {c["id"]: c["status"] for c in data["criteria"]} == {"store": "pass", "pages": "skip"}
    said = [result["saw"] for result in data["results"] if "pages" in result["criteria"]]
    assert said == ["admin is left out on this engine"] * 2
    assert done.returncode == 0, done.stdout + done.stderr


BUILT = """\
name: {name}
services:
  web:
    build: .
    init: true
    volumes: ["./app/pages:/srv/app/pages"]
    ports: ["127.0.0.1:{web}:8000"]
    healthcheck: {{test: [CMD, python, -c, "import urllib.request as r; r.urlopen('http://127.0.0.1:8000')"], interval: 2s}}
verify:
  reload: [{{service: web, file: app/pages/index.html, replace: hello, with: goodbye, within: 4s}}]
"""
DOCKERFILE = """\
FROM python:3.13-slim
WORKDIR /srv
COPY . .
CMD ["python", "-m", "http.server", "8000", "--bind", "0.0.0.0", "--directory", "app/pages"]
"""


def test_an_edit_in_a_folder_that_is_mounted_within_what_is_built_is_served_by_the_twin(stack: Stack, tmp_path: Path) -> None:
    page = tmp_path / "app" / "pages" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("hello")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "devstack.yml").write_text(BUILT.format(name=f"t-native-{secrets.token_hex(3)}", web=free_ports(1)[0]))
    built = Stack(tmp_path, stack.environment, 0)
    done = built.run("verify", "--only", "reload", "--json")
    found = [(r["id"], r["status"], r["saw"]) for r in json.loads(done.stdout)["data"]["results"]]
    assert done.returncode == 0, f"{found}\n{done.stderr}"
    assert [status for name, status, _ in found if name.startswith("reload")] == ["pass"]
    assert page.read_text() == "hello"
    assert (tmp_path / "node_modules").is_dir()
