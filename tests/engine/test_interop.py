"""`docker compose` takes what we made for its own: it lists it, recreates nothing, and takes it down."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack import labels
from devstack.compose.load import Sources, load
from devstack.engine.base import Engine
from tests.conftest import absent
from tests.engine.stacks import IMAGE, new, up

pytestmark = pytest.mark.engine

FILE = """
name: PROJECT
services:
  db:
    image: busybox:1.37
    command: sleep 1000
    init: true
    stop_grace_period: 0s
    environment: {A: "1 < 2 & é", B: ""}
    volumes: ["data:/data", "./conf:/conf:ro"]
    healthcheck: {test: ["CMD", "true"], interval: 1s}
    ports: ["127.0.0.1::80"]
  api:
    image: busybox:1.37
    command: ["sh", "-c", "sleep 1000"]
    stop_grace_period: 0s
    depends_on: {db: {condition: service_healthy, restart: true}}
    networks: [default, back]
    deploy: {resources: {limits: {memory: 64m}}}
    secrets: [key]
  side:
    image: busybox:1.37
    command: sleep 1000
    stop_grace_period: 0s
    network_mode: service:db
    pid: service:db
    volumes_from: ["db:ro"]
volumes: {data: {}}
networks: {back: {labels: {x: "1"}}}
secrets: {key: {file: ./key}}
"""


@pytest.fixture
def folder(tmp_path: Path, project: str, require_image: Callable[[str], str]) -> Path:
    require_image(IMAGE)
    if shutil.which("docker") is None or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        absent("there is no docker compose")
    (tmp_path / "conf").mkdir()
    (tmp_path / "key").write_text("hush")
    (tmp_path / "compose.yaml").write_text(FILE.replace("PROJECT", project))
    return tmp_path


def compose(folder: Path, *words: str) -> str:
    done = subprocess.run(["docker", "compose", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def bring_up(engine: Engine, folder: Path) -> None:
    """Our road, with the container that others share namespaces with first."""
    stack = load(Sources(files=(folder / "compose.yaml",), directory=folder, environment={}))
    db, _ = up(engine, stack, "db", "api")
    engine.start(engine.create(stack, new(engine, stack, "side", namespaces={"db": db})))


def test_compose_up_after_ours_changes_nothing_and_down_removes_all(engine: Engine, project: str, folder: Path) -> None:
    bring_up(engine, folder)
    before = {c.id for c in engine.containers(project)}
    listed = [json.loads(line) for line in compose(folder, "ps", "--format", "json").splitlines()]
    assert {item["Service"] for item in listed} == {"db", "api", "side"}
    told = compose(folder, "up", "-d")
    assert {c.id for c in engine.containers(project)} == before
    assert "Recreate" not in told
    compose(folder, "down", "-v")
    left = engine.observe(project)
    assert (left.containers, left.networks, left.volumes) == ((), {}, {})


def test_our_labels_are_those_that_compose_writes(engine: Engine, project: str, folder: Path) -> None:
    def seen() -> dict[str, dict[str, str]]:
        """Compose's labels by service. What shares a namespace has its container's id in its hash, so it differs each time."""
        return {
            c.service: {
                k: v for k, v in c.labels.items() if k.startswith("com.docker.") and (c.service, k) != ("side", labels.CONFIG_HASH)
            }
            for c in engine.containers(project)
        }

    compose(folder, "create")
    theirs = seen()
    compose(folder, "down", "-v")
    bring_up(engine, folder)
    assert seen() == theirs
