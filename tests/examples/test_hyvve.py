"""HYVVE, a copy of it, on real containers: npm starts it, Prisma migrates it, it works, reloads, survives, and verifies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devstack.engine.base import Engine
from devstack.engine.ports import bindable
from tests import warm
from tests.examples.waiting import PATIENCE, assert_served, within

SOURCE = Path(__file__).parent.parent.parent / "examples" / "hyvve"
TEMPORARY = shutil.ignore_patterns(".env.docker", "node_modules", "__pycache__", ".devstack", ".venv", "devstack.local.yml")
SERVICES = ("postgres", "redis", "agentos", "api", "pgadmin")
CRITERIA = {
    *(f"AC{number}" for number in range(1, 10)),
    *(f"DoD-{number}" for number in (3, 4, 5, 6, 7, 8, 9, 10, 12)),
    "Migrations",
    *(f"NFR-{name}" for name in ("Performance", "Reliability", "Security", "Observability")),
}


@dataclass(frozen=True)
class Hyvve:
    folder: Path
    name: str
    ports: dict[str, int]

    def run(self, *words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return warm.run(words, cwd=self.folder, env={**os.environ, "CI": "1"}, timeout=timeout)

    def devstack(self, *words: str, timeout: float = 300) -> str:
        done = self.run(*words, timeout=timeout)
        assert done.returncode == 0, f"devstack {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def npm_run(self, script: str, *words: str) -> subprocess.CompletedProcess[str]:
        # The scripts of package.json call `devstack`, as an installed one is called.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        command = ["npm", "run", "--silent", script, *(("--", *words) if words else ())]
        return subprocess.run(
            command, cwd=self.folder, env={**os.environ, "CI": "1", "PATH": path}, capture_output=True, text=True, timeout=300
        )

    def npm(self, script: str, *words: str) -> str:
        done = self.npm_run(script, *words)
        assert done.returncode == 0, f"npm run {script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def call(self, service: str, path: str, body: object = None, **headers: str) -> Any:
        with self.opened(service, path, body, **headers) as answer:
            return json.load(answer)

    def opened(self, service: str, path: str, body: object = None, **headers: str) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        url = f"http://localhost:{self.ports[service]}{path}"
        request = urllib.request.Request(url, data=data, headers={"content-type": "application/json", **headers})
        return urllib.request.urlopen(request, timeout=10)


@pytest.fixture(scope="module")
def hyvve(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hyvve]:
    if shutil.which("npm") is None:
        pytest.fail("npm is needed: the scripts of package.json are tested")
    folder = tmp_path_factory.mktemp("checkout") / "hyvve"
    shutil.copytree(SOURCE, folder, ignore=TEMPORARY)
    name = f"t-hyvve-{os.getpid()}"
    free = iter(port for port in range(22000 + os.getpid() % 500 * 10, 29900) if bindable("127.0.0.1", port))
    ports = {service: next(free) for service in SERVICES}
    settings = [f"COMPOSE_PROJECT_NAME={name}", *(f"{service.upper()}_PORT={port}" for service, port in ports.items())]
    (folder / ".env.docker").write_text("\n".join(settings) + "\n")
    made = Hyvve(folder, name, ports)
    try:
        made.npm("docker:up")
        yield made
    finally:
        made.run("down")
        # Snapshots of a reset are volumes with a name of their own.
        kept = subprocess.run(["docker", "volume", "ls", "-q"], capture_output=True, text=True, check=True).stdout.split()
        for volume in {*engine.observe(name).volumes, *(one for one in kept if one.startswith(f"{name}_"))}:
            engine.remove_volume(volume)
        subprocess.run(["docker", "image", "rm", "--force", f"{name}-agentos", f"{name}-api"], capture_output=True, check=False)


def test_the_rendered_files_in_the_repository_are_up_to_date(hyvve: Hyvve) -> None:
    hyvve.devstack("render", "--check")
    for name in ("docker/docker-compose.yml", "docker/README.md", ".env.docker.example", "package.json", ".dockerignore"):
        assert (hyvve.folder / name).read_text() == (SOURCE / name).read_text(), name


def test_a_second_docker_up_changes_nothing(hyvve: Hyvve) -> None:
    assert hyvve.npm("docker:up").startswith("nothing to do: 5 services healthy, schema up to date")


def test_docker_ps_shows_every_service_healthy(hyvve: Hyvve) -> None:
    shown = hyvve.npm("docker:ps")
    for service in SERVICES:
        assert any(line.split()[:2] == [service, "healthy"] for line in shown.splitlines()), shown


def test_docker_logs_follows_what_the_services_write(hyvve: Hyvve, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (tmp_path / "logs").open("wb") as out:
        following = subprocess.Popen(
            ["npm", "run", "--silent", "docker:logs"],
            cwd=hyvve.folder,
            env={**os.environ, "CI": "1", "PATH": path},
            stdout=out,
            start_new_session=True,
        )
    mark = f"/asked-by-{os.getpid()}"

    def shows() -> bool:
        with pytest.raises(urllib.error.HTTPError):
            hyvve.call("agentos", mark)
        seen = (tmp_path / "logs").read_text()
        return mark in seen and "Ready to accept connections" in seen

    try:
        assert within(20.0, shows), (tmp_path / "logs").read_text()[-2000:]
        assert following.poll() is None
    finally:
        os.killpg(following.pid, 15)
        following.wait(10)


def test_no_secret_stands_in_a_rendered_file(hyvve: Hyvve) -> None:
    pairs = (line.partition("=") for line in (hyvve.folder / ".env.docker").read_text().splitlines() if line[:1] != "#")
    secrets = {name: value for name, _, value in pairs if name.endswith(("_PASSWORD", "_SECRET"))}
    assert set(secrets) == {"POSTGRES_PASSWORD", "PGADMIN_PASSWORD", "BETTER_AUTH_SECRET"}
    assert all(len(value) >= 28 for value in secrets.values())
    for name in ("docker/docker-compose.yml", "docker/README.md", ".env.docker.example"):
        text = (hyvve.folder / name).read_text()
        assert not [secret for secret, value in secrets.items() if value in text], name


def test_prisma_has_migrated_the_database_and_keeps_its_own_ledger(hyvve: Hyvve) -> None:
    ledger = "select migration_name || ' ' || applied_steps_count from _prisma_migrations where finished_at is not null"
    assert "20251201000000_init 1" in hyvve.devstack("db-shell", "-c", ledger)
    said = hyvve.devstack("exec", "-T", "-w", "/app/packages/db", "api", "npm", "run", "--silent", "check")
    assert "No difference detected" in said


def test_a_new_migration_is_written_from_the_schema_and_applied_by_the_next_up(hyvve: Hyvve) -> None:
    schema = hyvve.folder / "packages/db/prisma/schema.prisma"
    before = schema.read_text()
    schema.write_text(before.replace("  name      String     @unique\n", "  name      String     @unique\n  motto     String?\n"))
    try:
        said = hyvve.devstack("exec", "-T", "api", "npm", "run", "--silent", "new", "-w", "packages/db", "--", "motto")
        (folder,) = (hyvve.folder / "packages/db/prisma/migrations").glob("*_motto")
        assert folder.name in said
        assert 'ADD COLUMN     "motto" TEXT' in (folder / "migration.sql").read_text()
        # A migration may hold functions: it is sent whole, not cut at its semicolons.
        with (folder / "migration.sql").open("a") as file:
            file.write("CREATE FUNCTION two() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; RETURN 2; END $$;\n")
        hyvve.npm("docker:up")
        assert "motto" in hyvve.devstack("db-shell", "-c", "\\d workspaces")
        hyvve.devstack("db-shell", "-c", "select two()")
    finally:
        schema.write_text(before)
        for folder in (hyvve.folder / "packages/db/prisma/migrations").glob("*_motto"):
            shutil.rmtree(folder)
        hyvve.devstack("reset", "--yes", "postgres")
    assert "motto" not in hyvve.devstack("db-shell", "-c", "\\d workspaces")


@pytest.mark.long
def test_docker_reset_gives_clean_data_and_undo_brings_it_back(hyvve: Hyvve) -> None:
    made = hyvve.call("api", "/workspaces", {"name": "before the reset"})
    refused = hyvve.npm_run("docker:reset")
    assert refused.returncode == 7
    hyvve.npm("docker:reset", "--yes")
    assert within(PATIENCE, lambda: hyvve.call("api", "/workspaces")["items"] == [])
    hyvve.devstack("undo")
    assert within(PATIENCE, lambda: hyvve.call("api", "/workspaces")["items"][0]["id"] == made["id"])


def test_the_tests_of_agentos_pass_in_its_container(hyvve: Hyvve) -> None:
    said = hyvve.devstack("exec", "-T", "agentos", "python", "-m", "pytest", "-q")
    assert " passed" in said
    assert "skipped" not in said


def test_the_tests_of_the_api_pass_in_its_container(hyvve: Hyvve) -> None:
    said = hyvve.devstack("exec", "-T", "api", "npm", "test", "-w", "apps/api")
    assert "# fail 0" in said
    assert "# skipped 0" in said


def test_apps_api_connects_to_postgresql_and_redis(hyvve: Hyvve) -> None:
    said = hyvve.devstack("exec", "-T", "api", "npm", "run", "--silent", "connect", "-w", "apps/api")
    assert "PostgreSQL 16." in said
    assert "Redis 7." in said


def test_browsers_may_ask_agentos_from_the_front_end_and_the_api_only(hyvve: Hyvve) -> None:
    for origin in ("http://localhost:3000", "http://localhost:3001"):
        with hyvve.opened("agentos", "/health", origin=origin) as answer:
            assert answer.headers["access-control-allow-origin"] == origin
    with hyvve.opened("agentos", "/health", origin="http://localhost:3002") as answer:
        assert answer.headers["access-control-allow-origin"] is None


def test_without_redis_agentos_says_so_and_finds_it_again_by_itself(hyvve: Hyvve) -> None:
    hyvve.devstack("stop", "redis")
    try:
        with pytest.raises(urllib.error.HTTPError) as refused:
            hyvve.call("agentos", "/health")
        assert refused.value.code == 503
        body = json.load(refused.value)
        assert body["database"] == "ok"
        assert body["redis"].startswith("Redis at redis:6379: ")
    finally:
        hyvve.devstack("start", "redis")
    assert within(PATIENCE, lambda: hyvve.call("agentos", "/health")["status"] == "healthy")
    assert within(PATIENCE, lambda: hyvve.call("api", "/health")["status"] == "healthy")


@pytest.mark.parametrize(
    ("service", "file", "old"),
    [("agentos", "agents/main.py", '"service": "AgentOS"'), ("api", "apps/api/src/api.js", 'service: "apps/api"')],
)
def test_an_edit_is_served(hyvve: Hyvve, service: str, file: str, old: str) -> None:
    source = hyvve.folder / file
    assert_served(
        source,
        lambda text: text.replace(old, old.partition(": ")[0] + ': "Edited"'),
        lambda: hyvve.call(service, "/")["service"] == "Edited",
        lambda: hyvve.call(service, "/")["service"] != "Edited",
    )
    assert within(PATIENCE, lambda: hyvve.call(service, "/health")["status"] == "healthy")


@pytest.mark.long
def test_data_is_there_after_docker_down_and_docker_up(hyvve: Hyvve) -> None:
    made = hyvve.call("api", "/workspaces", {"name": "kept"})
    hyvve.devstack("redis-shell", "-c", "set kept yes")
    hyvve.npm("docker:down")
    hyvve.npm("docker:up")
    assert made["id"] in {one["id"] for one in hyvve.call("api", "/workspaces")["items"]}
    assert "yes" in hyvve.devstack("redis-shell", "-c", "get kept")


def load(hyvve: Hyvve, *options: str) -> subprocess.Popen[str]:
    """The example's own load, which ends with its figures as JSON."""
    addresses = [f"localhost:{hyvve.ports[service]}" for service in ("agentos", "api")]
    command = [sys.executable, "load/load.py", *options, *addresses]
    return subprocess.Popen(command, cwd=hyvve.folder, stdout=subprocess.PIPE, text=True)


def assert_went_well(load: subprocess.Popen[str]) -> None:
    said, _ = load.communicate(timeout=180)
    result = json.loads(said)
    assert (load.returncode, result["failed"], result["wrong"]) == (0, 0, []), said
    assert result["runs"] > 0


def test_load_gets_no_server_error_and_its_connections_stay_bounded(hyvve: Hyvve) -> None:
    running = load(hyvve, "--seconds", "3")
    count = "select 'n=' || count(*) from pg_stat_activity where application_name in ('hyvve-agentos', 'hyvve-api')"
    most = 0
    while running.poll() is None:
        most = max(most, int(hyvve.devstack("db-shell", "-c", count).split("n=")[1].split()[0]))
    assert_went_well(running)
    # Five for each of the two.
    assert 0 < most <= 10


def test_while_the_database_stands_still_answers_are_late_and_not_wrong(hyvve: Hyvve) -> None:
    """As it does when its disk is busy; longer than a server keeps a connection that nobody asks anything on.

    Four clients: with all five connections in use, AgentOS would rightly call itself unhealthy.
    """
    running = load(hyvve, "--seconds", "5", "--clients", "4")
    hyvve.devstack("db-shell", "-c", "begin; lock table agent_runs; select pg_sleep(6); commit")
    assert_went_well(running)


@pytest.mark.long
def test_it_verifies_with_every_criterion_of_the_story(hyvve: Hyvve) -> None:
    done = hyvve.run("verify", "--json", timeout=600)
    report = json.loads(done.stdout)["data"]
    wrong = [result for result in report["results"] if result["status"] == "fail"]
    assert not wrong, json.dumps(wrong, indent=1)
    assert {criterion["id"]: criterion["status"] for criterion in report["criteria"]} == dict.fromkeys(CRITERIA, "pass")
    assert done.returncode == 0
