"""The workflow history, a copy of it, on real containers: it migrates, runs workflows, keeps their history, reloads, and verifies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devstack.engine.base import Engine
from devstack.engine.ports import bindable
from tests import warm
from tests.examples.waiting import PATIENCE, assert_route_served, within

SOURCE = Path(__file__).parent.parent.parent / "examples" / "workflow-history"
TEMPORARY = shutil.ignore_patterns(".env", "__pycache__", ".devstack", ".venv", "devstack.local.yml")
# What the task list of the project numbers, and verify has to answer for.
TASKS = [1, 2, 3, *range(10, 16), 20, 21, 30, 31, 32, *range(40, 48), 50, 51, 52, 60, 61, 62]
CRITERIA = {
    *(f"T{number:03}" for number in TASKS),
    *(f"Gate-{number}" for number in range(1, 7)),
    *(f"Deliverable-{number}" for number in range(1, 6)),
}


@dataclass(frozen=True)
class History:
    folder: Path
    api: str

    def run(self, *words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return warm.run(words, cwd=self.folder, env={**os.environ, "CI": "1"}, timeout=timeout)

    def devstack(self, *words: str, timeout: float = 300) -> str:
        done = self.run(*words, timeout=timeout)
        assert done.returncode == 0, f"devstack {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def call(self, path: str, body: object = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.api}{path}", data=data, headers={"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def history(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("checkout") / "workflow-history"
    shutil.copytree(SOURCE, folder, ignore=TEMPORARY)
    name = f"t-history-{os.getpid()}"
    free = iter(port for port in range(22000 + os.getpid() % 500 * 10, 29900) if bindable("127.0.0.1", port))
    ports = {service: next(free) for service in ("db", "pgadmin", "api")}
    settings = [f"COMPOSE_PROJECT_NAME={name}", *(f"{service.upper()}_PORT={port}" for service, port in ports.items())]
    (folder / ".env").write_text("\n".join(settings) + "\n")
    made = History(folder, f"http://localhost:{ports['api']}")
    try:
        made.devstack("up")
        yield made
    finally:
        made.run("down")
        for volume in engine.observe(name).volumes:
            engine.remove_volume(volume)
        subprocess.run(["docker", "image", "rm", "--force", f"{name}-api"], capture_output=True, check=False)


def test_a_second_up_changes_nothing(history: History) -> None:
    assert history.devstack("up").startswith("nothing to do: 3 services healthy, schema up to date")


def test_the_rendered_files_in_the_repository_are_up_to_date(history: History) -> None:
    history.devstack("render", "--check")
    for name in ("docker-compose.yml", ".env.example"):
        assert (history.folder / name).read_text() == (SOURCE / name).read_text()


def test_up_has_migrated_the_database_before_the_api_came(history: History) -> None:
    assert "0001 (head)" in history.devstack("exec", "-T", "api", "alembic", "current")
    assert "No new upgrade operations" in history.devstack("exec", "-T", "api", "alembic", "check")


def test_workflows_and_their_history_are_there_after_down_and_up(history: History) -> None:
    workflow = history.call("/workflows", {"name": "kept"})["id"]
    history.call(f"/workflows/{workflow}/nodes", {"node_type": "text_template", "config": {"template": "Hello {{ input }}!"}})
    history.call(f"/workflows/{workflow}/nodes", {"node_type": "fail"})
    run = history.call(f"/workflows/{workflow}/run", {"input": "Ada"})["run_id"]
    paths = (f"/workflows/{workflow}", f"/workflows/{workflow}/runs", f"/runs/{run}")
    before = [history.call(path) for path in paths]
    assert [step["status"] for step in before[2]["steps"]] == ["succeeded", "failed"]
    history.devstack("down")
    history.devstack("up")
    assert [history.call(path) for path in paths] == before


def test_an_edit_of_the_api_is_served(history: History) -> None:
    assert_route_served(history.folder / "server/routes/operations.py", "router", history.api)
    assert within(PATIENCE, lambda: history.call("/health")["database"] == "connected")


def test_every_line_of_the_log_is_json_with_its_request_and_its_run(history: History) -> None:
    workflow = history.call("/workflows", {"name": "logged"})["id"]
    history.call(f"/workflows/{workflow}/nodes", {"node_type": "fail", "config": {"message": "as told"}})
    run = history.call(f"/workflows/{workflow}/run", {})["run_id"]
    written = [json.loads(line)["text"] for line in history.devstack("logs", "--json", "api").splitlines()]
    lines = [json.loads(line) for line in written]
    mine = [line for line in lines if line.get("run_id") == run]
    assert [line["message"] for line in mine] == ["run started", "node failed", "run finished", "request"]
    assert len({line["request_id"] for line in mine}) == 1


def test_the_tests_of_its_api_pass_in_its_container(history: History) -> None:
    said = history.devstack("exec", "-T", "api", "python", "-m", "pytest", "-q", timeout=900)
    assert " passed" in said
    assert "skipped" not in said


def test_load_gets_no_server_error_and_its_connections_stay_bounded(history: History) -> None:
    address = history.api.removeprefix("http://")
    load = subprocess.Popen(
        [sys.executable, "load/load.py", "--seconds", "6", "--clients", "30", address],
        cwd=history.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    count = "select 'n=' || count(*) from pg_stat_activity where application_name = 'workflow-history'"
    most = 0
    while load.poll() is None:
        most = max(most, int(history.devstack("db-shell", "-c", count).split("n=")[1].split()[0]))
    assert load.stdout is not None
    result = json.load(load.stdout)
    assert load.returncode == 0, (result["statuses"], result["wrong"])
    assert (result["failed"], result["wrong"]) == (0, [])
    assert set(result["statuses"]) == {"200", "201"}
    assert result["runs"] > 0
    # DB_POOL_SIZE and DB_MAX_OVERFLOW, 5 each.
    assert 0 < most <= 10


@pytest.mark.long
def test_the_history_verifies_with_every_task_of_its_list(history: History) -> None:
    done = history.run("verify", "--json", timeout=900)
    report = json.loads(done.stdout)["data"]
    wrong = [result for result in report["results"] if result["status"] == "fail"]
    assert not wrong, json.dumps(wrong, indent=1)
    assert {criterion["id"] for criterion in report["criteria"] if criterion["status"] == "pass"} == CRITERIA
    assert done.returncode == 0
