"""The schema hub, a copy of it, on real containers: it migrates, works, reloads, shows itself in Grafana and pgAdmin, and verifies."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from devstack.engine.base import Engine
from devstack.engine.ports import bindable
from tests import warm
from tests.examples.waiting import PATIENCE, assert_route_served, within

SOURCE = Path(__file__).parent.parent.parent / "examples" / "schema-hub"
TEMPORARY = shutil.ignore_patterns(".env", "__pycache__", ".devstack", ".venv", "devstack.local.yml")
# What the plan of the project numbers, and verify has to answer for.
CRITERIA = {
    "Task": 3,
    "Accomplishment": 5,
    "Decision": 6,
    "Fix": 2,
    "Pattern": 5,
    "Readiness": 4,
}


@dataclass(frozen=True)
class Hub:
    folder: Path
    urls: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "CI": "1"}

    def run(self, *words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return warm.run(words, cwd=self.folder, env=self.environment, timeout=timeout)

    def devstack(self, *words: str, timeout: float = 300) -> str:
        done = self.run(*words, timeout=timeout)
        assert done.returncode == 0, f"devstack {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def call(self, path: str, body: object = None, service: str = "backend", **headers: str) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        given = {"content-type": "application/json", **headers}
        request = urllib.request.Request(f"{self.urls[service]}{path}", data=data, headers=given)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def password(self, service: str) -> str:
        lines = dict(
            line.split("=", 1) for line in (self.folder / ".env").read_text().splitlines() if "=" in line[:60] and line[0] != "#"
        )
        return lines[f"{service.upper()}_PASSWORD"]


@pytest.fixture(scope="module")
def hub(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("checkout") / "schema-hub"
    shutil.copytree(SOURCE, folder, ignore=TEMPORARY)
    name = f"t-hub-{os.getpid()}"
    free = iter(port for port in range(24000 + os.getpid() % 500 * 10, 29900) if bindable("127.0.0.1", port))
    ports = {service: next(free) for service in ("db", "backend", "pgadmin", "grafana")}
    settings = [f"COMPOSE_PROJECT_NAME={name}", *(f"{service.upper()}_PORT={port}" for service, port in ports.items())]
    (folder / ".env").write_text("\n".join(settings) + "\n")
    made = Hub(folder, {service: f"http://localhost:{port}" for service, port in ports.items()})
    try:
        made.devstack("up")
        yield made
    finally:
        made.run("down")
        for volume in engine.observe(name).volumes:
            engine.remove_volume(volume)
        subprocess.run(["docker", "image", "rm", "--force", f"{name}-backend"], capture_output=True, check=False)


def test_a_second_up_changes_nothing(hub: Hub) -> None:
    assert hub.devstack("up").startswith("nothing to do: 4 services healthy, schema up to date")


def test_the_rendered_files_in_the_repository_are_up_to_date(hub: Hub) -> None:
    hub.devstack("render", "--check")
    for name in ("docker-compose.yml", ".env.example"):
        assert (hub.folder / name).read_text() == (SOURCE / name).read_text()


def test_up_has_migrated_the_database_before_the_backend_came(hub: Hub) -> None:
    assert "001 (head)" in hub.devstack("exec", "-T", "backend", "alembic", "current")
    assert "No new upgrade operations" in hub.devstack("exec", "-T", "backend", "alembic", "check")


def test_what_is_posted_is_in_the_database(hub: Hub) -> None:
    body = {"entity_type": "category", "entity_id": "Posted", "label": "Posted", "schema_definition": {"properties": ["Has_name"]}}
    made = hub.call("/entities", body)
    assert hub.call(f"/entities/{made['id']}") == made
    row = hub.devstack("db-shell", "-c", f"select schema_definition -> 'properties' ->> 0 from entities where id = '{made['id']}'")
    assert "Has_name" in row


def test_the_tests_of_its_api_pass_in_the_running_backend(hub: Hub) -> None:
    said = hub.devstack("exec", "-T", "backend", "python", "-m", "pytest", "-q", timeout=600)
    assert " passed" in said
    assert "skipped" not in said


def test_an_edit_of_the_back_end_is_served(hub: Hub) -> None:
    assert_route_served(hub.folder / "backend/app/main.py", "app", hub.urls["backend"])
    assert within(PATIENCE, lambda: hub.call("/health")["database"] == "connected")


def test_grafana_has_the_database_and_a_dashboard_whose_questions_it_answers(hub: Hub) -> None:
    known = {"authorization": "Basic " + base64.b64encode(f"admin:{hub.password('grafana')}".encode()).decode()}
    source = hub.call("/api/datasources/uid/db", service="grafana", **known)
    assert (source["type"], source["url"], source["jsonData"]["database"]) == (
        "grafana-postgresql-datasource",
        "db:5432",
        "schema_hub",
    )
    board = hub.call("/api/dashboards/uid/schema-hub", service="grafana", **known)["dashboard"]
    assert board == json.loads((SOURCE / "grafana/dashboards/schema-hub.json").read_text()) | {
        "folderTitle": board.get("folderTitle")
    }
    assert len(board["panels"]) == 11
    questions = []
    for panel in board["panels"]:
        (target,) = panel["targets"]
        assert target["datasource"]["uid"] == "db"
        # What Grafana puts for its macros.
        sql = target["rawSql"].replace("$__timeFilter(created_at)", "created_at BETWEEN now() - interval '1 day' AND now()")
        questions.append(
            sql.replace("$__timeGroupAlias(created_at, $__interval)", 'floor(extract(epoch from created_at) / 60) * 60 AS "time"')
        )
    asked = ";\n".join(questions)
    assert "$__" not in asked
    hub.devstack("db-shell", "--read-only", "-c", asked)
    tables = {table for table in ("entities", "modules", "profiles", "drafts") if f"FROM {table}" in asked}
    assert tables == {"entities", "modules", "profiles", "drafts"}


def test_pgadmin_lets_its_owner_in_and_connects_to_the_listed_database(hub: Hub) -> None:
    assert checks(hub).pgadmin({"urls": hub.urls}).endswith("connected to hub@db:5432/schema_hub as listed")


def test_a_wrong_password_opens_neither_grafana_nor_pgadmin(hub: Hub) -> None:
    wrong = checks(hub)
    wrong.password = lambda service: "wrong"  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="401"):
        wrong.grafana({"urls": hub.urls})
    with pytest.raises(AssertionError, match="not let in"):
        wrong.pgadmin({"urls": hub.urls})


def test_a_taken_port_is_answered_as_the_readme_shows(hub: Hub, tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "hub", ignore=TEMPORARY)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "hub/.env").write_text(f"COMPOSE_PROJECT_NAME=t-hub-taken-{os.getpid()}\nBACKEND_PORT={port}\n")
        said = Hub(tmp_path / "hub", {}).run("up")
    assert said.returncode == 6
    for line in (f"error: port {port} on 127.0.0.1 is taken", "wanted by   backend (devstack.yml:13:3)", "nothing was started"):
        assert line in said.stderr
    readme = (SOURCE / "README.md").read_text()
    assert "wanted by   backend (devstack.yml:13:3)" in readme
    assert f"devstack up --port backend={port + 1}" in said.stderr
    assert "devstack up --port backend=8081" in readme


def test_load_gets_no_server_error_and_its_connections_stay_bounded(hub: Hub) -> None:
    said = subprocess.Popen(
        [
            sys.executable,
            "load/load.py",
            "--seconds",
            "6",
            "--clients",
            "30",
            "--impatient",
            hub.urls["backend"].removeprefix("http://"),
        ],
        cwd=hub.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    count = "select 'n=' || count(*) from pg_stat_activity where application_name = 'schema-hub'"
    most = 0
    while said.poll() is None:
        most = max(most, int(hub.devstack("db-shell", "-c", count).split("n=")[1].split()[0]))
    assert said.stdout is not None
    result = json.load(said.stdout)
    statuses = result["statuses"]
    assert said.returncode == 0, (statuses, result["wrong"])
    assert (result["failed"], result["wrong"]) == (0, [])
    assert statuses["201"] > 0
    # RATE_LIMIT_BURST and RATE_LIMIT_PER_SECOND; a machine too slow to reach the limit is not refused, every other is.
    allowed = 250 + 50 * result["requests"] / result["per_second"]
    served = result["requests"] - statuses.get("429", 0)
    assert served <= allowed * 1.05
    assert statuses.get("429", 0) > 0 or served < allowed
    # DB_POOL_SIZE and DB_MAX_OVERFLOW, 5 each, and the one of /health.
    assert 0 < most <= 11


@pytest.mark.long
def test_the_hub_verifies_with_every_point_of_its_plan(hub: Hub) -> None:
    done = hub.run("verify", "--json", timeout=600)
    report = json.loads(done.stdout)["data"]
    wrong = [result for result in report["results"] if result["status"] == "fail"]
    assert not wrong, json.dumps(wrong, indent=1)
    passed = {criterion["id"] for criterion in report["criteria"] if criterion["status"] == "pass"}
    assert passed == {"Setup"} | {f"{kind}-{number}" for kind, last in CRITERIA.items() for number in range(1, last + 1)}
    assert done.returncode == 0


def checks(hub: Hub) -> ModuleType:
    """The functions that verify calls, of the copy."""
    spec = importlib.util.spec_from_file_location("schema_hub_checks", hub.folder / "checks/tools.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
