"""The life of containers in memory: their program, their probe, and what is told of both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from devstack.compose.model import Healthcheck
from devstack.engine.base import Health, LogLine, Probe, State
from tests.fakes import memory_programs as programs
from tests.fakes.memory_boxes import Box, Store

CADENCE = 0.02
"""Seconds between probes."""


class Life:
    """Runs boxes in threads. `tell` is called, with the lock held, for everything that happens to one."""

    def __init__(self, lock: threading.RLock, volumes: Mapping[str, Store], tell: Callable[..., None]) -> None:
        self._lock, self._volumes, self._tell = lock, volumes, tell

    def begin(self, box: Box) -> None:
        threading.Thread(target=self._main, args=(box,), daemon=True).start()
        if box.probed and box.check is not None:
            threading.Thread(target=self._probe, args=(box, box.check, box.stopped), daemon=True).start()

    def _main(self, box: Box) -> None:
        """Killed, its code is 137; its own end is what the program says."""
        if box.behaviour is not None:
            seconds, code = box.behaviour.exit or (None, 0)
            code = 137 if box.stopped.wait(seconds) else code
        else:
            code = programs.run(box.command, self.run(box, lambda stream, data: _write(box, stream, data)))
        with self._lock:
            box.code = 137 if box.stopped.is_set() else code
            box.finished_at = time.time()
            box.container = replace(box.container, state=State.EXITED)
            self._tell(box, "die", exit_code=box.code)
            box.stopped.set()
            box.ended.set()

    def run(self, box: Box, emit: Callable[[str, bytes], None], stdin: bytes = b"") -> programs.Run:
        """One run of a program inside a box: paths below a mount are files of its volume."""

        def place(path: str) -> tuple[dict[str, bytes], str]:
            for mount in box.container.mounts:
                if mount.name and path.startswith(mount.target.rstrip("/") + "/"):
                    return self._volumes[mount.name].files, path.removeprefix(mount.target)
            return box.files, path

        def read(path: str) -> bytes | None:
            files, name = place(path)
            return files.get(name)

        def write(path: str, data: bytes) -> None:
            files, name = place(path)
            files[name] = data

        return programs.Run(read, write, emit, stdin, box.stopped)

    def _probe(self, box: Box, check: Healthcheck, stopped: threading.Event) -> None:
        """Probes at the fast cadence; failures count once the start period is over."""
        failures = tries = 0
        while not stopped.wait(CADENCE):
            code, output = self._one_probe(box, check, tries)
            tries += 1
            with self._lock:
                if stopped.is_set():
                    return
                box.probes = [*box.probes, Probe(code, output, time.time())][-5:]
                counted = time.time() - box.started_at > (check.start_period or 0.0)
                failures = 0 if code == 0 else failures + counted
                if code == 0:
                    self._turn(box, Health.HEALTHY)
                elif failures >= (check.retries or 3):
                    self._turn(box, Health.UNHEALTHY)

    def _one_probe(self, box: Box, check: Healthcheck, tries: int) -> tuple[int, str]:
        scripted = box.behaviour.health if box.behaviour else ()
        if scripted:
            return (0 if scripted[min(tries, len(scripted) - 1)] else 1), ""
        output: list[bytes] = []
        argv = ("sh", "-c", check.test[1]) if check.test[0] == "CMD-SHELL" else check.test[1:]
        code = programs.run(argv, self.run(box, lambda _, data: output.append(data)))
        return code, b"".join(output).decode()

    def _turn(self, box: Box, health: Health) -> None:
        if box.container.health is not health:
            box.container = replace(box.container, health=health)
            self._tell(box, "health_status", health=health)


def _write(box: Box, stream: str, data: bytes) -> None:
    side: Literal["stdout", "stderr"] = "stderr" if stream == "stderr" else "stdout"
    box.log += [LogLine(line, side, time.time()) for line in data.decode(errors="replace").splitlines()]
