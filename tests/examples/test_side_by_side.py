"""All four systems at the same time, from a fresh clone, by what their READMEs say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devstack.engine.base import Engine
from tests.examples.transcript import Reader, Step, steps
from tests.scenarios.conftest import remove

ROOT = Path(__file__).parent.parent.parent
SYSTEMS = {
    "agent-platform": ("devstack up", ".env"),
    "hyvve": ("devstack up --port postgres=5433 --port pgadmin=5051", ".env.docker"),
    "schema-hub": ("devstack up", ".env"),
    "workflow-history": ("devstack up --port db=5435 --port pgadmin=5053 --port api=8003", ".env"),
}
"""How each is started beside the others, as its README says, and the file that its name is kept in."""
PAGES = {
    "agent-platform": ("http://localhost:3000", "http://localhost:8001/docs", "http://localhost:8001/healthz"),
    "hyvve": ("http://localhost:7777", "http://localhost:3001/health", "http://localhost:5051"),
    "schema-hub": ("http://localhost:8080/docs", "http://localhost:5052", "http://localhost:3002"),
    "workflow-history": ("http://localhost:8003/docs", "http://localhost:8003/health", "http://localhost:5053"),
}
ELSEWHERE = (
    "devstack up",
    "docker compose",  # the file is held against Compose by test_hyvve.py, in a stack of its own
    "psql",
    "redis-cli",
    'eval "$(devstack env)"',
    "devstack stop frontend",  # and what follows it is a server on the host that runs for ever
    "cd apps/frontend",
)
"""What is not typed here: it starts the stack, needs a program on the host, or ends what the others look at."""

pytestmark = [pytest.mark.engine, pytest.mark.long]


def name_of(system: str) -> str:
    return f"t-side-{os.getpid()}-{system}"


@pytest.fixture(scope="module")
def clone(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh clone with all four up. Each has a name of its own run, so that nobody's own stack is met."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("there is no repository to clone")
    folder = tmp_path_factory.mktemp("clone") / "devstack"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    try:
        for system, (command, settings) in SYSTEMS.items():
            readme = (folder / "examples" / system / "README.md").read_text()
            assert command in readme
            (folder / "examples" / system / settings).write_text(f"COMPOSE_PROJECT_NAME={name_of(system)}\n")
            done = Reader(folder / "examples" / system, {}).run(command)
            assert done.returncode == 0, f"{system}: {command}\n{done.stdout}{done.stderr}"
        yield folder / "examples"
    finally:
        for system in SYSTEMS:
            remove(engine, name_of(system))


def test_all_four_run_and_ls_shows_them(clone: Path) -> None:
    said = subprocess.run([sys.executable, "-m", "devstack", "ls", "--json"], capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(said.stdout)["data"]["stacks"]
    mine = {one["name"]: one for one in found if one["name"].startswith(f"t-side-{os.getpid()}-")}
    assert set(mine) == {name_of(system) for system in SYSTEMS}
    for system in SYSTEMS:
        status = Reader(clone / system, {}).run("devstack status --json")
        assert status.returncode == 0, status.stderr
        rows = json.loads(status.stdout)["data"]["services"]
        assert {row["state"] for row in rows} <= {"healthy", "running", "done"}, rows


@pytest.mark.parametrize(("system", "page"), [(system, page) for system, pages in PAGES.items() for page in pages])
def test_the_addresses_that_a_readme_names_answer(clone: Path, system: str, page: str) -> None:
    done = Reader(clone / system, {}).run(f"curl -sS -o /dev/null -L -w '%{{http_code}}' {page}", timeout=60)
    assert done.stdout == "200", done


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_a_readme_says_to_type_works_as_it_stands_there(clone: Path, system: str) -> None:
    typed: list[str] = []
    reader = Reader(clone / system, {})
    for document in [clone / system / "README.md", *sorted((clone / system).glob("docker/README.md"))]:
        for step in steps(document.read_text()):
            if step.command.startswith(ELSEWHERE):
                continue
            reader.do(as_written(step))
            typed.append(step.command)
    assert len(typed) >= (1 if system == "workflow-history" else 3), typed


def as_written(step: Step) -> Step:
    """What a document shows of data that a reader's stack does not have yet is not looked for."""
    return Step(step.command, ()) if "--dry-run" in step.command else step
