"""The line to a project's supervisor: started when nobody answers, asked one thing at a time."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from devstack.engine.native.places import Places
from devstack.errors import EngineError, EngineRefused, NotFound

PATIENCE = 10.0
"""Seconds a new supervisor has to listen."""
_ATTEMPTS = 3
_LOOK = 0.1
"""Seconds between two looks whether another one listens."""
_START = "import sys; sys.path[:0] = [sys.argv.pop(1)]; from devstack.engine.native.supervisor import main; main(*sys.argv[1:4], int(sys.argv[4]))"


class Line:
    """To the supervisors of all projects."""

    def __init__(self, where: Places) -> None:
        self.where = where
        self._starting = threading.Lock()

    def is_supervised(self, project: str) -> bool:
        """Whether a supervisor of the project lives: it holds its lock for as long as it does."""
        try:
            guard = self.where.socket(project).with_suffix(".lock").open(encoding="utf-8")
        except FileNotFoundError:
            return False
        with closing(guard):
            try:
                fcntl.flock(guard, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def ask(self, project: str, **request: Any) -> dict[str, Any]:
        """One request and its answer. Raises NotFound, EngineRefused, EngineError."""
        connection, answer = self.open(project, **request)
        connection.close()
        return answer

    def tell(self, project: str, event: dict[str, Any]) -> None:
        """Let those who watch hear of something that needs no supervisor; where none lives, nobody watches."""
        if self.is_supervised(project):
            with suppress(EngineError):
                self.ask(project, op="tell", event=event)

    @contextmanager
    def stream(self, project: str, **request: Any) -> Iterator[Iterator[dict[str, Any]]]:
        """What comes over a connection that stays open after its first answer; it ends when the context is left."""
        connection, _ = self.open(project, **request)
        try:
            yield _events(cast(BinaryIO, connection.makefile("rb")))
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def open(self, project: str, **request: Any) -> tuple[socket.socket, dict[str, Any]]:
        """A connection on which a request was answered, and the answer: what follows it is still to be read.

        A supervisor that had nothing to do may end just when it is reached; the next one is asked then. Raises as `ask`.
        """
        for _ in range(_ATTEMPTS):
            with ExitStack() as failed:
                connection = failed.enter_context(closing(self.connect(project)))
                answer = b""
                with suppress(OSError):
                    connection.sendall(json.dumps(request).encode() + b"\n")
                    answer = _line(connection)
                if not answer:
                    continue
                found: dict[str, Any] = json.loads(answer)
                if found.get("missing"):
                    raise NotFound(found["message"], status=404)
                if not found["ok"]:
                    raise EngineRefused(found["message"], status=400)
                failed.pop_all()
                return connection, found
        raise EngineError(f"the supervisor of {project} ended before it answered")

    def connect(self, project: str) -> socket.socket:
        """A connection; a supervisor is started where none listens, by one thread for all."""
        address = self.where.socket(project)
        connection = _reached(address)
        if connection is not None:
            return connection
        with self._starting:
            return _reached(address) or self._start(project, address)

    @property
    def _log(self) -> Path:
        return self.where.home / "supervisor.log"

    def _start(self, project: str, address: Path) -> socket.socket:
        """Start one and connect to it. When another command's is there first, that one is taken: ours would wait behind it, and is ended."""
        ready, says = os.pipe()
        root = str(Path(__file__).resolve().parents[3])
        with self._log.open("ab") as log:
            child = subprocess.Popen(
                (sys.executable, "-S", "-E", "-c", _START, root, str(self.where.boxes), project, str(address), str(says)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                pass_fds=(says,),
            )
        os.close(says)
        deadline = time.monotonic() + PATIENCE
        with os.fdopen(ready, "rb") as pipe:
            said = False
            while not said and time.monotonic() < deadline:
                said = _readable(pipe.fileno(), _LOOK)
                connection = _reached(address)
                if connection is not None:
                    if _listener(connection) not in (child.pid, None):
                        child.kill()
                        child.wait()
                    child.returncode = 0  # it outlives this command: nobody waits for it
                    return connection
        child.kill()
        child.wait()
        raise EngineError(
            "the supervisor of the native engine does not start",
            details=[("log", _tail(self._log))],
            hints=[f"look at {self._log}"],
        )


def _reached(address: Path) -> socket.socket | None:
    """A connection to the supervisor that listens there; None when none does."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(address))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    return connection


def _listener(connection: socket.socket) -> int | None:
    """The process at the other end; None where the system does not tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(pid)


def _readable(number: int, seconds: float) -> bool:
    import select

    return bool(select.select([number], [], [], seconds)[0])


def _line(connection: socket.socket) -> bytes:
    """The next line and not a byte of what follows it; nothing when the other end closes before its end."""
    data = b""
    while not data.endswith(b"\n"):
        seen = connection.recv(65536, socket.MSG_PEEK)
        if not seen:
            return b""
        data += connection.recv(seen.find(b"\n") + 1 or len(seen))
    return data


def _tail(path: Path) -> str:
    try:
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
    except OSError:
        return ""


def _events(lines: BinaryIO) -> Iterator[dict[str, Any]]:
    """Until the connection is shut from either end."""
    with suppress(OSError, ValueError), lines:
        for line in lines:
            yield json.loads(line)
