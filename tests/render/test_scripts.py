"""The two scripts that are mounted into containers, run as they are run there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack.spec.kinds import templates_root

SERVICES = templates_root() / "services"
SCHEDULER = SERVICES / "cron" / "configs" / "scheduler.py"
RELOAD = SERVICES / "worker" / "configs" / "reload.py"
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def run(*words: str | Path) -> subprocess.Popen[str]:
        output = (tmp_path / "output").open("w")
        process = subprocess.Popen(
            [sys.executable, "-u", *map(str, words)], cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT, text=True
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.wait()


def wait_for(words: str, folder: Path, seconds: float = 10) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        text = (folder / "output").read_text()
        if words in text:
            return text
        time.sleep(0.02)
    raise AssertionError(f"{words!r} did not come in {seconds} s: {(folder / 'output').read_text()}")


def test_the_scheduler_runs_at_start_says_how_it_went_and_stops_at_once(start: Start, tmp_path: Path) -> None:
    process = start(SCHEDULER, "0 0 29 2 *", "UTC", "--at-start", "--", "sh", "-c", "echo from the job; exit 3")
    text = wait_for("run 1 failed with exit 3", tmp_path)
    assert "cron: schedule 0 0 29 2 * (UTC): sh -c" in text
    assert "from the job" in text
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert time.monotonic() - started < 1


def test_the_scheduler_is_healthy_while_it_lives(start: Start, tmp_path: Path) -> None:
    start(SCHEDULER, "0 0 29 2 *", "UTC", "--", "true")
    wait_for("schedule", tmp_path)
    assert subprocess.run([sys.executable, "-IS", str(SCHEDULER), "--healthy"], check=False).returncode == 0


def test_a_running_job_is_ended_with_the_scheduler(start: Start, tmp_path: Path) -> None:
    process = start(SCHEDULER, "0 0 29 2 *", "UTC", "--at-start", "--", "sh", "-c", "echo $$; exec sleep 99")
    text = wait_for("run 1 starts\n", tmp_path)
    while len(text.splitlines()) < 3:
        text = wait_for("run 1 starts\n", tmp_path)
    job = int(text.splitlines()[2])
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(job, 0)


def test_a_command_that_is_not_there_is_said_and_survived(start: Start, tmp_path: Path) -> None:
    process = start(SCHEDULER, "0 0 29 2 *", "UTC", "--at-start", "--", "no-such-program")
    wait_for("run 1 failed: [Errno 2]", tmp_path)
    assert process.poll() is None


def test_an_edit_restarts_the_program(start: Start, tmp_path: Path) -> None:
    program = tmp_path / "loop.py"
    program.write_text("import time\nprint('one', flush=True)\ntime.sleep(99)\n")
    start(RELOAD, sys.executable, "loop.py")
    wait_for("one", tmp_path)
    program.write_text("import time\nprint('two', flush=True)\ntime.sleep(99)\n")
    assert "reload: ./loop.py changed" in wait_for("two", tmp_path)


def test_half_an_edit_is_survived(start: Start, tmp_path: Path) -> None:
    program = tmp_path / "loop.py"
    program.write_text("import time\nprint('one', flush=True)\ntime.sleep(99)\n")
    process = start(RELOAD, sys.executable, "loop.py")
    wait_for("one", tmp_path)
    program.write_text("half an edit\n")
    wait_for("waiting for an edit", tmp_path)
    program.write_text("print('whole', flush=True)\n")
    wait_for("whole", tmp_path)
    assert process.wait(10) == 0


def test_a_command_that_cannot_be_started_is_said_without_a_traceback(start: Start, tmp_path: Path) -> None:
    assert start(RELOAD, "no-such-program").wait(10) == 1
    assert (tmp_path / "output").read_text() == "reload: no-such-program cannot be started: No such file or directory\n"


def test_a_program_that_ends_ends_the_reloader_with_its_code(start: Start, tmp_path: Path) -> None:
    assert start(RELOAD, sys.executable, "-c", "raise SystemExit(7)").wait(10) == 7


def test_the_reloader_stops_its_program_at_once(start: Start, tmp_path: Path) -> None:
    process = start(RELOAD, sys.executable, "-c", "import time; print('up', flush=True); time.sleep(99)")
    wait_for("up", tmp_path)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 143
    assert time.monotonic() - started < 1
