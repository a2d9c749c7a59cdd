"""Whole processes: run one, with the time it takes and the most memory it ever held."""

from __future__ import annotations

import os
import resource
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TAIL = 15
LIMIT = 300.0
"""Seconds after which a run counts as hung."""


class BenchError(Exception):
    """A run that did not do what was to be measured; its time would mean nothing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: wall time and processor time in seconds, and the largest resident set in MB, of the process or of any child it
    waited for. Processor time does not count what the engine does, and is steadier on a machine that is busy."""

    seconds: float
    cpu: float
    megabytes: float


def environment() -> dict[str, str]:
    """This shell's, without what would steer one of the tools, and with neither drawing for a terminal."""
    steering = ("COMPOSE_", "DEVSTACK_", "BUILDX_", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(steering)}
    return kept | {"NO_COLOR": "1", "CI": "1"}


def timed(argv: Sequence[str], folder: Path, extra: Mapping[str, str] | None = None) -> Sample:
    """Run to the end and measure. Raises `BenchError` with the last lines when it fails or hangs."""
    with tempfile.TemporaryFile() as output:
        begun = time.monotonic()
        child = subprocess.Popen(
            argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment() | dict(extra or {})
        )
        try:
            status, usage = _ended(child, begun + LIMIT)
        except BaseException:
            child.kill()
            child.wait()
            raise
        seconds = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            output.seek(0)
            last = "\n".join(output.read().decode(errors="replace").splitlines()[-TAIL:])
            raise BenchError(f"{' '.join(argv)} ended with {child.returncode}:\n{last}")
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _ended(child: subprocess.Popen[bytes], deadline: float) -> tuple[int, resource.struct_rusage]:
    """Exit status and what the child used. `pidfd` lets us wait with a limit and still take the resource usage of the child alone."""
    descriptor = os.pidfd_open(child.pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise BenchError(f"process {child.pid} did not end within {LIMIT:.0f} s")
    finally:
        os.close(descriptor)
    _, status, usage = os.wait4(child.pid, 0)
    return status, usage


def ask(*argv: str) -> str:
    """The output of a command that is not measured. Raises `BenchError` when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LIMIT, env=environment())
    if done.returncode != 0:
        raise BenchError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout.strip()
