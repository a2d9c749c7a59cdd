"""Beside Docker Compose: its files are taken as they are, and each tool understands what the other made."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.scenarios.checkout import Checkout, states, surroundings, wait_for
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import COMPOSE, PAIR


def docker_compose(stack: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The real `docker compose`, as a person without devstack has it."""
    environment = surroundings(DOCKER_HOST=stack.engine.info.endpoint.url)
    return subprocess.run(
        ["docker", "compose", *arguments], cwd=stack.folder, env=environment, capture_output=True, text=True, timeout=90
    )


def has_compose() -> bool:
    return (
        shutil.which("docker") is not None and subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
    )


beside_compose = pytest.mark.skipif(not has_compose(), reason="docker compose is not installed (devstack itself does not need it)")


def test_a_plain_compose_file_works_without_a_devstack_yml(checkout: MakeCheckout) -> None:
    stack = checkout(COMPOSE)
    assert states(stack.devstack("up", "--json")) == {"app": "running", "side": "healthy"}
    assert stack.devstack("up").out.startswith("nothing to do")
    assert states(stack.devstack("status", "--json")) == {"app": "running", "side": "healthy"}
    assert "app is up" in stack.devstack("logs").out
    assert stack.devstack("exec", "app", "sh", "-c", "echo kept > /data/it; cat /data/it").out == "kept\n"
    stack.devstack("down")
    assert stack.ids() == {} and stack.volumes() == {f"{stack.project}_data"}
    stack.devstack("up")
    assert stack.devstack("exec", "app", "cat", "/data/it").out == "kept\n"
    assert sorted(path.name for path in stack.folder.iterdir()) == ["compose.yaml"]  # nothing was written beside it


def test_init_adopts_a_compose_file(checkout: MakeCheckout) -> None:
    stack = checkout(COMPOSE)
    text = (stack.folder / "compose.yaml").read_text()
    ran = stack.devstack("init")
    assert "adopts compose.yaml" in ran.out
    assert states(stack.devstack("up", "--json")) == {"app": "running", "side": "healthy"}
    assert (stack.folder / "compose.yaml").read_text() == text
    assert stack.name == stack.project


def test_several_files_are_merged_with_f(checkout: MakeCheckout) -> None:
    stack = checkout(COMPOSE)
    third = "third: {image: 'busybox:1.37', command: [sleep, '1000'], init: true}"
    stack.write({"more.yaml": f"services: {{app: {{environment: {{MORE: 'yes'}}}}, {third}}}\n"})
    files = ("-f", "compose.yaml", "-f", "more.yaml")
    stack.devstack("up", *files)
    assert set(stack.ids()) == {"app-1", "side-1", "third-1"}
    assert "MORE=yes" in stack.devstack("exec", *files, "app", "env").out


@beside_compose
def test_compose_accepts_and_runs_what_devstack_rendered(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.devstack("render")
    config = docker_compose(pair, "config")
    assert config.returncode == 0, config.stderr
    assert f"name: {pair.name}" in config.stdout
    up = docker_compose(pair, "up", "-d", "--wait")
    assert up.returncode == 0, up.stderr
    shown = docker_compose(pair, "ps", "--format", "{{.Service}}")
    assert sorted(shown.stdout.split()) == ["app", "side"]
    down = docker_compose(pair, "down")
    assert down.returncode == 0, down.stderr
    assert pair.ids() == {}


@beside_compose
def test_up_after_compose_up_recreates_nothing(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.devstack("render")
    assert docker_compose(pair, "up", "-d", "--wait").returncode == 0
    before = pair.ids()
    assert pair.devstack("up").out.startswith("nothing to do")
    assert pair.ids() == before
    pair.devstack("down")
    assert pair.ids() == {} and not pair.engine.observe(pair.name).networks


@beside_compose
def test_compose_up_after_up_recreates_nothing(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.devstack("up")
    before = pair.ids()
    up = docker_compose(pair, "up", "-d", "--wait")
    assert up.returncode == 0, up.stderr
    assert pair.ids() == before, up.stderr
    shown = docker_compose(pair, "ps", "--format", "{{.Service}} {{.Health}}")
    assert sorted(shown.stdout.splitlines()) == ["app healthy", "side healthy"]
    down = docker_compose(pair, "down", "-v")
    assert down.returncode == 0, down.stderr
    assert pair.ids() == {}


@beside_compose
def test_compose_and_devstack_may_take_turns_on_an_adopted_file(checkout: MakeCheckout) -> None:
    stack = checkout(COMPOSE)
    assert docker_compose(stack, "up", "-d").returncode == 0
    wait_for(stack.is_healthy)
    before = stack.ids()
    stack.devstack("up")
    assert stack.ids() == before
    stack.edit("compose.yaml", "echo app is up", "echo app is changed")
    stack.devstack("up")
    changed = stack.ids()
    assert changed["side-1"] == before["side-1"] and changed["app-1"] != before["app-1"]
    assert docker_compose(stack, "up", "-d").returncode == 0
    assert stack.ids() == changed


@beside_compose
def test_compose_does_not_see_snapshots(checkout: MakeCheckout) -> None:
    """`docker compose down -v` removes the volumes of a stack; the way back stays."""
    stack = checkout(COMPOSE)
    stack.devstack("up")
    stack.devstack("exec", "app", "sh", "-c", "echo precious > /data/it")
    stack.devstack("reset", "--yes")
    down = docker_compose(stack, "down", "-v")
    assert down.returncode == 0, down.stderr
    stack.devstack("undo", "--yes")
    stack.devstack("up")
    assert stack.devstack("exec", "app", "cat", "/data/it").out == "precious\n"
