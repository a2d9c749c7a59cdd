"""Containers, volumes and sessions of the engine in memory."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field, replace
from typing import Literal

from devstack.compose.model import EMPTY, Healthcheck, Strings
from devstack.engine.base import Binding, Container, Detail, Health, LogLine, ObservedVolume, Probe, State


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the containers of a service behave instead of running their command and probe."""

    health: tuple[bool, ...] = ()
    """Results of successive probes; the last one repeats."""
    exit: tuple[float, int] | None = None
    """Seconds until the program ends, and its exit code; None: it runs for ever."""


@dataclass(slots=True)
class Box:
    """One container."""

    container: Container
    command: tuple[str, ...]
    networks: tuple[str, ...] = ()
    check: Healthcheck | None = None
    ports: tuple[Binding, ...] = ()
    restart: str = "no"
    behaviour: Behaviour | None = None
    environment: Strings = EMPTY
    files: dict[str, bytes] = field(default_factory=dict)
    log: list[LogLine] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    code: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0

    @property
    def probed(self) -> bool:
        return self.check is not None and not self.check.disable and self.check.test != ("NONE",)


@dataclass(slots=True)
class Store:
    """One volume."""

    seen: ObservedVolume
    files: dict[str, bytes] = field(default_factory=dict)
    anonymous: bool = False


def listed(box: Box) -> Container:
    """As a list shows it."""
    running = box.container.state in (State.RUNNING, State.PAUSED)
    ended = box.container.state is State.EXITED
    return replace(
        box.container,
        health=box.container.health if running else Health.NONE,
        exit_code=box.code if ended else None,
        status=f"Exited ({box.code})" if ended else box.container.state.value,
        bindings=box.ports if running else (),
        networks=dict.fromkeys(box.networks, "10.0.0.2" if running else ""),
    )


def inspected(box: Box) -> Container:
    detail = Detail(
        exit_code=box.code,
        started_at=box.started_at,
        finished_at=box.finished_at,
        environment=box.environment,
        command=box.command,
        healthcheck=box.check.test if box.check else (),
        probes=tuple(box.probes),
        restart_policy=box.restart,
    )
    return replace(listed(box), detail=detail)


class MemorySession:
    """A session with a program that gives back what it gets, as `cat` does."""

    def __init__(self, *, tty: bool) -> None:
        self.tty = tty
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def fileno(self) -> int:
        raise OSError("a session in memory has no file number")

    def send(self, data: bytes) -> None:
        self._pieces.put(data)

    def close_stdin(self) -> None:
        self._pieces.put(None)

    def receive(self) -> tuple[Literal["stdout", "stderr"], bytes] | None:
        piece = self._pieces.get()
        return None if piece is None else ("stdout", piece)

    def resize(self, rows: int, columns: int) -> None:
        return

    def exit_code(self) -> int:
        return 0

    def close(self) -> None:
        self._pieces.put(None)


class MemoryAttached(MemorySession):
    """A session with a container's own program: what it wrote, once it has ended."""

    def __init__(self, box: Box, *, tty: bool) -> None:
        super().__init__(tty=tty)
        self._box = box
        self._shown = False

    def receive(self) -> tuple[Literal["stdout", "stderr"], bytes] | None:
        self._box.ended.wait()
        if self._shown or not self._box.log:
            return None
        self._shown = True
        return "stdout", "".join(f"{line.text}\n" for line in self._box.log).encode()

    def exit_code(self) -> int:
        self._box.ended.wait()
        return self._box.code
