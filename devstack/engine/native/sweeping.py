"""What a supervisor that was killed leaves behind is brought to its end. Standard library only."""

from __future__ import annotations

import signal
import time
from dataclasses import replace

from devstack.engine.native import processes
from devstack.engine.native.records import MARK, Box, Life, Record

PATIENCE = 5.0
"""Seconds a process gets to end by itself: the kernel has told it to stop when its supervisor died."""


def settle(box: Box, record: Record) -> Life:
    """The container's state now that nobody supervises it: what still runs is stopped and marked as killed."""
    life = box.life()
    if life.state not in ("running", "paused", "restarting"):
        return life
    if life.pid and processes.alive(life.pid, life.born):
        _stop(life, record)
    processes.end(life.pid, f"{MARK}={record.id}".encode())
    settled = replace(life, state="exited", health="none", pid=0, born=0, exit_code=137, finished_at=time.time())
    box.write_life(settled)
    return settled


def _stop(life: Life, record: Record) -> None:
    """The way the program wants to be stopped: a database that is killed has to recover."""
    name = record.stop_signal.upper().removeprefix("SIG")
    processes.send([life.pid], signal.SIGCONT)
    processes.send([life.pid], int(name) if name.isdigit() else signal.Signals[f"SIG{name}"])
    deadline = time.monotonic() + PATIENCE
    while processes.alive(life.pid, life.born) and time.monotonic() < deadline:
        time.sleep(0.02)
