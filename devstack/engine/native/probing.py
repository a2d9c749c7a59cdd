"""The health probe of one supervised container: one process at a time, ended when it takes too long. Standard library only."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from devstack.engine.native import processes
from devstack.engine.native.records import MARK, Record

MOST = 4096
"""Bytes of what a probe writes that are kept."""


class Prober:
    """Runs the probe when it is time. `judge` hears of each that ended: the time, its exit code, what it wrote."""

    def __init__(self, folder: Path, judge: Callable[[float, int, str], None]) -> None:
        self.next = 0.0
        """The monotonic time of the next probe."""
        self._output = folder / "probe"
        self._judge = judge
        self._running: tuple[subprocess.Popen[bytes], float] | None = None

    @property
    def deadline(self) -> float:
        """When the probe that runs now has taken too long; 0.0 when none runs."""
        return self._running[1] if self._running else 0.0

    def take(self, record: Record, now: float) -> None:
        """Judge the probe that runs, if it has ended or is to be ended."""
        if self._running is None:
            return
        probe, deadline = self._running
        code = probe.poll()
        if code is None and now < deadline:
            return
        text = ""
        if code is None:
            processes.end(probe.pid, b"")
            probe.wait()
            code, text = -1, f"the probe took longer than {record.check.timeout if record.check else 0:g} s\n"
        self._running = None
        with suppress(OSError):
            text += self._output.read_bytes()[:MOST].decode(errors="replace")
        self._judge(now, code if code >= 0 else 1, text)

    def begin(self, record: Record, group: int | None, now: float) -> None:
        """Start a probe when none runs and it is time for one."""
        check = record.check
        if check is None or self._running is not None or now < self.next:
            return
        try:
            with self._output.open("w+b") as output:
                probe = subprocess.Popen(
                    check.test,
                    env={**record.environment, MARK: record.id},
                    cwd=record.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    user=record.user or None,
                    group=group,
                    extra_groups=() if record.user else None,
                )
        except (OSError, subprocess.SubprocessError) as error:
            self._judge(now, 127, str(error))
            return
        self._running = (probe, now + check.timeout)

    def end(self) -> None:
        """End the probe that runs, unjudged."""
        if self._running is not None:
            processes.end(self._running[0].pid, b"")
            self._running[0].wait()
            self._running = None
