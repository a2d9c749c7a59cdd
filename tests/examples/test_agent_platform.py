"""The agent platform, a copy of it, in containers and without: it starts, works, reloads, shows itself in a browser, and verifies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devstack.engine.base import Engine
from devstack.engine.ports import bindable
from tests import warm
from tests.engine.native_home import home
from tests.examples.waiting import PATIENCE, assert_route_served, assert_served, within

NAME = f"t-agents-{os.getpid()}"
SOURCE = Path(__file__).parent.parent.parent / "examples" / "agent-platform"
TEMPORARY = shutil.ignore_patterns(".env", "node_modules", "__pycache__", ".devstack", ".venv")
CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@dataclass(frozen=True)
class Platform:
    folder: Path
    api: str
    page: str
    environment: Mapping[str, str]

    def devstack(self, *words: str, code: int = 0) -> str:
        done = warm.run(words, cwd=self.folder, env={**self.environment, "CI": "1"}, timeout=300)
        assert done.returncode == code, f"devstack {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def call(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            f"{self.api}{path}", data=data, method=method, headers={"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="module", params=["containers", "native"])
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with in_containers(request) if request.param == "containers" else home() as environment:
        yield from running(tmp_path_factory, environment)


@contextmanager
def in_containers(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    engine: Engine = request.getfixturevalue("engine")
    yield os.environ
    left = engine.observe(NAME)
    for volume in left.volumes:
        engine.remove_volume(volume)
    images = (f"{NAME}-{service}" for service in ("backend", "frontend", "prune"))
    subprocess.run(["docker", "image", "rm", "--force", *images], capture_output=True)


def running(tmp_path_factory: pytest.TempPathFactory, environment: Mapping[str, str]) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("checkout") / "agent-platform"
    shutil.copytree(SOURCE, folder, ignore=TEMPORARY)
    free = iter(port for port in range(23000 + os.getpid() % 500 * 10, 29900) if bindable("127.0.0.1", port))
    db, backend, frontend = next(free), next(free), next(free)
    (folder / ".env").write_text(f"COMPOSE_PROJECT_NAME={NAME}\nDB_PORT={db}\nBACKEND_PORT={backend}\nFRONTEND_PORT={frontend}\n")
    made = Platform(folder, f"http://localhost:{backend}", f"http://localhost:{frontend}", environment)
    try:
        made.devstack("up")
        yield made
    finally:
        made.devstack("down")


def test_a_second_up_changes_nothing(platform: Platform) -> None:
    assert platform.devstack("up").startswith("nothing to do: 4 services healthy, schema up to date")


def test_the_rendered_files_in_the_repository_are_up_to_date(platform: Platform) -> None:
    platform.devstack("render", "--check")
    for name in ("compose.yaml", ".env.example"):
        assert (platform.folder / name).read_text() == (SOURCE / name).read_text()


def test_what_is_posted_is_in_the_database(platform: Platform) -> None:
    made = platform.call("POST", "/workflows", {"name": "posted by the test", "definition": {"nodes": []}})
    assert platform.call("GET", f"/workflows/{made['id']}")["name"] == "posted by the test"
    assert "posted by the test" in platform.devstack("db-shell", "-c", f"select name from workflows where id = '{made['id']}'")


def test_the_tests_of_its_api_pass_in_the_running_backend(platform: Platform) -> None:
    assert " passed" in platform.devstack("exec", "-T", "backend", "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_its_models_and_its_database_agree(platform: Platform) -> None:
    platform.devstack("exec", "-T", "backend", "alembic", "stamp", "head")
    try:
        assert "No new upgrade operations" in platform.devstack("exec", "-T", "backend", "alembic", "check")
    finally:
        # A table that no file makes: verify would find it.
        platform.devstack("db-shell", "-c", "drop table alembic_version")


def test_an_edit_of_the_back_end_is_served(platform: Platform) -> None:
    assert_route_served(platform.folder / "apps/backend/app/main.py", "app", platform.api)
    assert within(PATIENCE, lambda: platform.call("GET", "/healthz")["db"] is True)


def test_an_edit_of_the_front_end_is_served(platform: Platform) -> None:
    index = platform.folder / "apps/frontend/index.html"

    def is_edited() -> bool:
        return " edited</title>" in urllib.request.urlopen(platform.page, timeout=5).read().decode()

    assert_served(index, lambda text: text.replace("</title>", " edited</title>"), is_edited, lambda: not is_edited())


def test_the_page_says_connected_and_lists_workflows_in_a_real_browser(platform: Platform, tmp_path: Path) -> None:
    if not CHROMIUM:
        if os.environ.get("DEVSTACK_REQUIRE_BROWSER") == "1":
            pytest.fail("DEVSTACK_REQUIRE_BROWSER=1, and there is no Chromium")
        pytest.skip("there is no Chromium")
    platform.call("POST", "/workflows", {"name": "shown in the browser", "definition": {}})
    seen = browse(platform.page, tmp_path / "first")
    if "Connected!" not in seen:
        # The first visit of a new checkout makes the dev server bundle its dependencies, and it then reloads the page.
        seen = browse(platform.page, tmp_path / "second")
    assert "Connected!" in seen
    assert "shown in the browser" in seen


def test_the_platform_verifies(platform: Platform) -> None:
    report = json.loads(platform.devstack("verify", "--json"))
    assert report["ok"] is True
    checks = {result["check"] for result in report["data"]["results"]}
    assert {"start", "health", "reach", "schema", "data"} <= checks
    assert report["data"]["failed"] == 0


def browse(url: str, profile: Path) -> str:
    """The page's document once its scripts have run, as a real browser has it."""
    command = [CHROMIUM, *QUIET, f"--user-data-dir={profile}", "--virtual-time-budget=30000", "--dump-dom", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False).stdout
