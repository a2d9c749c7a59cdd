"""Odd terminals, closed pipes and early signals: devstack writes plainly, and ends quietly."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import devstack

SPEC = "name: größe\nservices:\n  db: {kind: postgres, versoin: '17'}\n"
FINE = "name: shop\nservices:\n  db: {kind: postgres}\n"
DEVSTACK = [sys.executable, "-m", "devstack"]
PACKAGE = os.fsencode(Path(devstack.__file__).parent)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "devstack.yml").write_text(FINE)
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    plain = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DOCKER_HOST": "unix:///nonexistent.sock"}
    return {**plain, **{k: v for k, v in os.environ.items() if k == "PYTHONPATH"}, **more}


def run(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*DEVSTACK, *arguments], cwd=cwd, env=environment(**more), capture_output=True, timeout=60, stdin=subprocess.DEVNULL
    )


def on_a_terminal(*arguments: str, cwd: Path, **more: str) -> bytes:
    """What is written to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*DEVSTACK, *arguments], cwd=cwd, env=environment(**more), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    process.wait(timeout=60)
    return b"".join(pieces)


def test_colour_is_for_terminals_that_want_it(folder: Path) -> None:
    (folder / "devstack.yml").write_text(SPEC)
    assert b"\x1b[31m" in on_a_terminal("spec", cwd=folder, TERM="xterm")
    assert b"\x1b" not in on_a_terminal("spec", cwd=folder, TERM="xterm", NO_COLOR="1")
    assert b"\x1b" not in on_a_terminal("spec", cwd=folder, TERM="dumb")
    assert b"\x1b" not in on_a_terminal("spec", cwd=folder, TERM="xterm", CI="true")
    assert b"\x1b" not in run("spec", cwd=folder, TERM="xterm").stderr
    assert b"\x1b[31m" in run("spec", cwd=folder, FORCE_COLOR="1").stderr


def test_json_is_never_coloured(folder: Path) -> None:
    written = on_a_terminal("spec", "--json", cwd=folder, TERM="xterm", FORCE_COLOR="1")
    assert json.loads(written)["ok"] is True


PLAIN = [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"}]


@pytest.mark.parametrize("locale", PLAIN)
def test_a_terminal_without_unicode_gets_plain_letters(folder: Path, locale: dict[str, str]) -> None:
    (folder / "devstack.yml").write_text(SPEC, encoding="utf-8")
    for arguments in (["spec"], ["doctor"], ["kinds", "postgres"], ["spec", "--json"]):
        ended = run(*arguments, cwd=folder, **locale)
        assert b"Traceback" not in ended.stderr and b"[bug]" not in ended.stderr, ended
        assert b"UnicodeEncodeError" not in ended.stderr, ended
    assert b"versoin" in run("spec", cwd=folder, **locale).stderr


def test_a_narrow_terminal_loses_nothing(folder: Path) -> None:
    for columns in ("20", "1", "0", "wide"):
        ended = run("--help", cwd=folder, COLUMNS=columns)
        assert ended.returncode == 0 and b"db-shell" in ended.stdout, ended
        assert run("kinds", "postgres", cwd=folder, COLUMNS=columns).returncode == 0


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_streams_do_no_harm(folder: Path, closed: tuple[int, ...]) -> None:
    redirections = " ".join(f"{descriptor}>&-" for descriptor in closed)
    for arguments in ("spec", "kinds", "nosuch", "up"):
        script = f"exec {' '.join(DEVSTACK)} {arguments} {redirections}"
        ended = subprocess.run(["sh", "-c", script], cwd=folder, env=environment(), capture_output=True, timeout=60)
        assert ended.returncode in (0, 1, 2, 4), ended
        assert b"Traceback" not in ended.stderr + ended.stdout and b"[bug]" not in ended.stderr, ended
    assert (folder / "devstack.yml").read_text() == FINE


@pytest.mark.parametrize("arguments", [("kinds",), ("spec", "--json"), ("--help",), ("--version",), ("spec", "--schema")])
def test_a_full_disk_behind_stdout_is_an_error_and_not_a_success(folder: Path, arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*DEVSTACK, *arguments], cwd=folder, env=environment(), stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert ended.returncode == 1, ended
    assert b"Traceback" not in ended.stderr, ended


@pytest.mark.parametrize("arguments", ["kinds", "--help", "spec --schema", "kinds postgres"])
def test_a_reader_that_goes_away_is_no_error(folder: Path, arguments: str) -> None:
    script = f"{' '.join(DEVSTACK)} {arguments} | true; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", script], cwd=folder, env=environment(), capture_output=True, timeout=60)
    assert ended.returncode in (0, 141), ended
    assert ended.stderr == b"", ended


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_devstack_begins_is_quiet(folder: Path, number: signal.Signals) -> None:
    """While Python itself still starts nobody can help it: only from `main` on is it devstack's word that counts."""
    for moment in range(8):
        process = subprocess.Popen(
            [*DEVSTACK, "kinds"], cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        time.sleep(0.05 + 0.05 * moment)  # the moment of the signal, not a wait for something
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
        if b"Traceback" in err:  # of Python's own start, whose `site` has a `main` too
            assert not re.search(re.escape(PACKAGE) + rb"/cli/\w+\.py\", line \d+, in (main|run)\n", err), err
        else:
            assert process.returncode in (0, 130, -number), (process.returncode, err)


def test_ci_is_never_asked_and_never_waits(folder: Path) -> None:
    (folder / "compose.yaml").write_text("services: {}\n")
    written = on_a_terminal("reset", cwd=folder, TERM="xterm", CI="1")
    assert b"[y/N]" not in written
