"""Help, versions and suggestions: what a person types first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devstack.cli.app import COMMANDS, GROUPS, HIDDEN
from devstack.cli.elsewhere import HERE
from tests.wrong.command import Said, say

NAMES = [name for name, _ in COMMANDS]
GROUPED = [f"{group} {name}" for group, (_, commands) in GROUPS.items() for name, _ in commands]


@pytest.fixture
def devstack(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Run a command line in an empty folder."""
    folder, outputs = tmp_path / "empty", tmp_path / "outputs"
    folder.mkdir()
    outputs.mkdir()

    def run(*arguments: str, given: bytes = b"", **environment: str) -> Said:
        said = say(arguments, folder, outputs, given, **environment)
        assert "Traceback" not in said.err and "[bug]" not in said.err, said
        assert list(folder.iterdir()) == [], "help and questions write nothing"
        return said

    return run


def test_help_lists_every_command_in_one_screen(devstack) -> None:  # type: ignore[no-untyped-def]
    for arguments in ((), ("--help",), ("-h",)):
        said = devstack(*arguments)
        assert said.code in (0, 2)
        text = said.out + said.err
        assert [name for name in NAMES if name not in HIDDEN and f"\n  {name} " not in text] == []
        assert len(text.splitlines()) <= 52 and max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", [*NAMES, *GROUPED])
def test_every_command_has_help_with_a_sentence_for_each_option(devstack, name: str) -> None:  # type: ignore[no-untyped-def]
    for flag in ("--help", "-h"):
        said = devstack(*name.split(), flag)
        assert said.code == 0 and said.err == ""
        assert said.out.startswith(f"Usage: devstack {name}")
    lines = said.out.splitlines()
    assert len(lines[2].strip()) > 10  # what it does
    options = [index for index, line in enumerate(lines) if line.startswith("  -")]
    assert options
    for index in options:
        told = re.search(r"\S {2,}\S", lines[index].strip()) or lines[index + 1].startswith("       ")
        assert told, f"{lines[index]} has no help"


@pytest.mark.parametrize(
    ("typed", "meant"), [("upp", "up"), ("stauts", "status"), ("log", "logs"), ("db-shel", "db-shell"), ("verfy", "verify")]
)
def test_a_mistyped_command_is_suggested(devstack, typed: str, meant: str) -> None:  # type: ignore[no-untyped-def]
    said = devstack(typed)
    assert said.code == 2 and f"'{meant}'" in said.err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("psql", "devstack db-shell"),
        ("snapshot", "devstack db snapshot"),
        ("migrate", "devstack schema apply"),
        ("compose", "leave the word out"),
    ],
)
def test_another_tools_word_for_a_command_is_told(devstack, typed: str, meant: str) -> None:  # type: ignore[no-untyped-def]
    said = devstack(typed, "--whatever")
    assert said.code == 2 and f"no such command: {typed}" in said.err and meant in said.err


def test_what_is_told_for_another_tools_word_is_there() -> None:
    assert not HERE.keys() & {*NAMES, *GROUPS}
    for word, rest in HERE.items():
        assert rest.startswith("--") or rest.split()[0] in NAMES or " ".join(rest.split()[:2]) in GROUPED, word


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(("up", "--biuld"), "--build"), (("logs", "--folow"), "--follow"), (("reset", "--yse"), "--yes")],
)
def test_a_mistyped_option_is_suggested(devstack, typed: tuple[str, ...], meant: str) -> None:  # type: ignore[no-untyped-def]
    said = devstack(*typed)
    assert said.code == 2 and typed[1] in said.err and meant in said.err


@pytest.mark.parametrize("option", ["-v", "--volumes"])
def test_down_with_volumes_names_the_way_that_can_be_undone(devstack, option: str) -> None:  # type: ignore[no-untyped-def]
    said = devstack("down", option)
    assert said.code == 2 and "down removes no volume" in said.err and "devstack reset --hard" in said.err
    assert "--volumes" not in devstack("down", "--help").out


@pytest.mark.parametrize(("shell", "words"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --command")])
def test_the_completion_script_of_the_named_shell_is_printed(devstack, shell: str, words: str) -> None:  # type: ignore[no-untyped-def]
    said = devstack("--show-completion", shell)
    assert said.code == 0 and "_DEVSTACK_COMPLETE" in said.out and words in said.out


def test_kinds_prints_a_manual_for_each_kind(devstack) -> None:  # type: ignore[no-untyped-def]
    names = [line.split()[0] for line in devstack("kinds").out.splitlines()]
    assert {
        "postgres",
        "redis",
        "fastapi",
        "vite",
        "cron",
        "worker",
        "mailpit",
        "minio",
        "grafana",
        "prometheus",
        "pgadmin",
    } <= set(names)
    for name in names:
        said = devstack("kinds", name)
        assert said.code == 0 and name in said.out and "image" in said.out


def test_the_json_schema_of_the_spec_is_printed(devstack) -> None:  # type: ignore[no-untyped-def]
    import json

    schema = json.loads(devstack("spec", "--schema").out)
    assert {"services", "schema", "verify", "render"} <= set(schema["properties"])


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("devstack logs a", {"api"}),
        ("devstack exec d", {"db"}),
        ("devstack up d", {"db"}),
        ("devstack sta", {"start", "status"}),
        ("devstack up --b", {"--build"}),
    ],
)
def test_the_shell_completes_commands_options_and_services(tmp_path: Path, line: str, offered: set[str]) -> None:
    (tmp_path / "devstack.yml").write_text("services:\n  db: {kind: postgres}\n  api: {image: 'busybox:1.37'}\n")
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_DEVSTACK_COMPLETE": "complete_bash"}
    said = say((), tmp_path, outputs, **words)
    assert set(said.out.split()) == offered, said


def test_completion_where_there_is_nothing_offers_nothing(tmp_path: Path) -> None:
    said = say((), tmp_path, tmp_path, COMP_WORDS="devstack logs a", COMP_CWORD="2", _DEVSTACK_COMPLETE="complete_bash")
    assert said.out.strip() == "" and said.err == "", said
