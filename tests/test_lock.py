"""Whoever takes a project's lock is told whether the last command came to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.lock import holder, locked

HOLD = "import sys; from pathlib import Path; from devstack.lock import locked\nwith locked('shop', Path()): print(flush=True); sys.stdin.read()"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def was_cut_off() -> bool:
    with locked("shop", Path()) as cut_off:
        return cut_off


def test_a_command_that_came_to_its_end_is_not_told_of() -> None:
    assert [was_cut_off(), was_cut_off()] == [False, False]


def test_one_that_failed_is_told_of_once() -> None:
    with pytest.raises(KeyError), locked("shop", Path()):
        raise KeyError
    assert [was_cut_off(), was_cut_off()] == [True, False]


def test_one_that_was_killed_is_told_of_and_holds_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD], env=dict(os.environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    held = holder("shop")
    assert held is not None and (held.pid, held.done) == (process.pid, False)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert holder("shop") is None
    assert [was_cut_off(), was_cut_off()] == [True, False]
