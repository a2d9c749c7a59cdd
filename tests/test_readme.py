"""The README is true: its first minutes are run as written, its commands and exit codes exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.cli.app import GROUPS
from devstack.engine.base import Engine
from devstack.engine.ports import bindable
from devstack.errors import Exit

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def devstack(words: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "devstack", *words],
        cwd=folder,
        env={**os.environ, "CI": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_first_minutes_work_as_written(tmp_path: Path, engine: Engine, project: str) -> None:
    block = README.split("<!-- tested", 1)[1].split("```console", 1)[1].split("```", 1)[0]
    lines = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    assert len(lines) >= 10
    port = next(p for p in range(21000, 22000) if bindable("127.0.0.1", p))
    folder = tmp_path
    shown: dict[str, str] = {}
    for line in lines:
        words = shlex.split(line)
        if words[0] == "cd":
            folder = folder / words[1]
            # The reader's machine has 5432 free; this one may not.
            (folder / ".env").write_text(f"COMPOSE_PROJECT_NAME={project}\nDB_PORT={port}\n")
            continue
        assert words[0] == "devstack"
        done = devstack(words[1:], folder)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        shown[line] = done.stdout
    assert shown["devstack up"].startswith("nothing to do")
    assert "tea" in shown['devstack db-shell -c "select title from items"']


def test_every_command_of_the_table_exists_and_has_help(tmp_path: Path) -> None:
    commands = README.split("## Commands", 1)[1].split("\n## ", 1)[0]
    table = [line for line in commands.splitlines() if line.startswith("| `")][:20]
    cells = [re.findall(r"`([a-z][a-z-]+)", line.split("|")[1]) for line in table]
    names = {name for cell in cells for name in (cell[:1] if cell[0] in GROUPS else cell)}
    assert {"up", "down", "reset", "undo", "verify", "db-shell", "init"} <= names
    for name in sorted(names):
        assert devstack([name, "--help"], tmp_path).returncode == 0, name


def test_every_command_there_is_stands_in_the_readme() -> None:
    from devstack.cli.app import COMMANDS

    missing = [name for name, _ in COMMANDS if f"`{name}" not in README]
    assert not missing


@pytest.mark.parametrize("code", list(Exit), ids=str)
def test_every_exit_code_stands_in_the_readme(code: Exit) -> None:
    assert re.search(rf"^\| {int(code)} \|", README, re.MULTILINE)


def test_every_option_the_readme_names_for_up_exists(tmp_path: Path) -> None:
    row = next(line for line in README.splitlines() if line.startswith("| `up "))
    help_text = devstack(["up", "--help"], tmp_path).stdout
    for option in re.findall(r"`(--[a-z-]+)", row):
        assert option in help_text, option
