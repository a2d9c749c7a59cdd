"""A command that a helper forks answers as one that is started from nothing."""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests import warm
from tests.scenarios.checkout import command, surroundings

SHOP = "name: shop\nservices:\n  web: {image: busybox:1.37, environment: {COLOUR: $COLOUR}, volumes: ['.:/code']}\n"


def timeless(text: str) -> str:
    return re.sub(r'"seconds": [\d.]+', "", text)


@pytest.mark.parametrize(
    ("arguments", "given", "more"),
    [
        (["--version"], None, {}),
        (["--help"], None, {"COLUMNS": "60"}),
        (["--help"], None, {"FORCE_COLOR": "1"}),
        (["config"], None, {"COLOUR": "red"}),
        (["config", "--json"], None, {}),
        (["config", "-f", "-"], SHOP + "# ..\n" * 50_000, {}),
        (["config", "-f", "none.yaml"], None, {}),
        (["statuss"], None, {}),
        (["status"], None, {"DOCKER_HOST": "unix:///nowhere.sock"}),
        (["schema", "status"], None, {"DEVSTACK_DEBUG": "1"}),
        (["spec", "--schema"], None, {}),
        (["up", "--plan"], None, {"DEVSTACK_FILE": "other.yaml", "CI": "1"}),
    ],
)
def test_both_answer_alike(tmp_path: Path, arguments: list[str], given: str | None, more: dict[str, str]) -> None:
    (tmp_path / "compose.yaml").write_text(SHOP)
    env = surroundings(**more)
    stdin = {"stdin": subprocess.DEVNULL} if given is None else {"input": given}
    cold = subprocess.run(command(*arguments), cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, **stdin)
    forked = warm.run(arguments, cwd=tmp_path, env=env, given=given, timeout=60)
    assert (forked.returncode, timeless(forked.stdout), forked.stderr) == (cold.returncode, timeless(cold.stdout), cold.stderr)


def test_a_command_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(SHOP)
    with socket.socket(socket.AF_UNIX) as silent, tempfile.TemporaryDirectory() as short:
        silent.bind(f"{short}/engine.sock")
        silent.listen()
        env = surroundings(DOCKER_HOST=f"unix://{short}/engine.sock")
        with pytest.raises(subprocess.TimeoutExpired):
            warm.run(["status"], cwd=tmp_path, env=env, given=None, timeout=1)
