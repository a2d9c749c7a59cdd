"""Processes of this machine, told apart by number and birth; nothing but the standard library.

Linux gives all of it in /proc. Elsewhere `ps` is asked.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LINUX = PROC.joinpath("self/stat").exists()


@dataclass(frozen=True, slots=True)
class Process:
    """`born` is its start in kernel ticks since boot (elsewhere: in seconds); with `pid` it names one process for good."""

    pid: int
    born: int
    session: int
    state: str


def process(pid: int) -> Process | None:
    """The process that has this number now; a zombie is none."""
    found = _linux(pid) if LINUX else _other(pid)
    return None if found is None or found.state in "ZX" else found


def alive(pid: int, born: int) -> bool:
    """Whether the very process that was recorded still lives."""
    if pid <= 0:
        return False
    found = process(pid)
    return found is not None and (not born or found.born == born)


def _linux(pid: int) -> Process | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    fields = text.rpartition(")")[2].split()
    return Process(pid, int(fields[19]), int(fields[3]), fields[0])


def _other(pid: int) -> Process | None:
    done = subprocess.run(
        ["ps", "-o", "sess=,state=,etime=", "-p", str(pid)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    fields = done.stdout.split()
    if len(fields) < 3:
        return None
    days, _, clock = fields[2].rpartition("-")
    seconds = sum(int(part) * 60**place for place, part in enumerate(reversed(clock.split(":")))) + 86400 * int(days or 0)
    with suppress(ProcessLookupError):
        return Process(pid, round(time.time() - seconds), os.getsid(pid), fields[1][0])
    return None


def members(session: int, mark: bytes = b"") -> Iterator[int]:
    """The processes of a session, and those that carry `mark` in their environment, the leader first."""
    if not LINUX:
        done = subprocess.run(["ps", "-axo", "pid="], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        numbers = [int(word) for word in done.stdout.split()]
    else:
        numbers = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    mine = os.getpid()
    for pid in sorted(numbers):
        if pid == mine:
            continue
        if (LINUX and _marked(pid, session, mark)) or (not LINUX and _session_of(pid) == session):
            yield pid


def _marked(pid: int, session: int, mark: bytes) -> bool:
    found = process(pid)
    if found is None:
        return False
    if session > 0 and found.session == session:
        return True
    if not mark:
        return False
    try:
        return mark in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return -1


def end(session: int, mark: bytes, *, patience: float = 5.0) -> None:
    """Kill whatever is left of a container, and wait until it is gone."""
    deadline = time.monotonic() + patience
    while left := list(members(session, mark)):
        send(left, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)


def send(pids: Iterable[int], number: int) -> None:
    """Send a signal to each that is still there."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def command_line(pid: int) -> str:
    """What a process was started as."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""
