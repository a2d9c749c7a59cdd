"""Sessions: with a program started beside a container's own, and with the container's own over its supervisor."""

from __future__ import annotations

import fcntl
import os
import pty
import selectors
import signal
import socket
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Literal

from devstack.engine.native import frames, processes
from devstack.engine.native.programs import group_of

Piece = tuple[Literal["stdout", "stderr"], bytes]


class ProgramSession:
    """A program with pipes or a terminal of its own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: str, user: str, *, tty: bool) -> None:
        self.tty = tty
        inner, self._terminal = pty.openpty()[::-1] if tty else (-1, -1)
        stream = inner if tty else subprocess.PIPE
        self._child = subprocess.Popen(
            command, env=dict(environment), cwd=folder, stdin=stream, stdout=stream, stderr=stream, start_new_session=True,
            user=user or None, group=group_of(user), extra_groups=() if user else None,
            preexec_fn=_own_terminal if tty else None,
        )  # fmt: skip
        if tty:
            os.close(inner)
        self._selector = selectors.DefaultSelector()
        if tty:
            self._selector.register(self._terminal, selectors.EVENT_READ, "stdout")
        else:
            assert self._child.stdout is not None and self._child.stderr is not None
            self._selector.register(self._child.stdout, selectors.EVENT_READ, "stdout")
            self._selector.register(self._child.stderr, selectors.EVENT_READ, "stderr")

    def fileno(self) -> int:
        return self._selector.fileno()

    def send(self, data: bytes) -> None:
        """Type something; a program that has ended reads nothing."""
        target = self._terminal if self.tty else self._child.stdin.fileno() if self._child.stdin else -1
        with suppress(BrokenPipeError, OSError):
            while data:
                data = data[os.write(target, data) :]

    def close_stdin(self) -> None:
        if self.tty:
            self.send(b"\x04")
        elif self._child.stdin is not None:
            with suppress(BrokenPipeError):
                self._child.stdin.close()

    def receive(self) -> Piece | None:
        while self._selector.get_map():
            for key, _ in self._selector.select():
                try:
                    data = os.read(key.fd, 65536)
                except OSError:
                    data = b""  # a terminal whose program has ended
                if data:
                    return key.data, data
                self._selector.unregister(key.fileobj)
        return None

    def resize(self, rows: int, columns: int) -> None:
        if self.tty:
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def exit_code(self) -> int:
        code = self._child.wait()
        return 128 - code if code < 0 else code

    def close(self) -> None:
        """Whoever leaves takes the program along, as a terminal that is closed does."""
        if self._child.poll() is None:
            processes.send(processes.members(self._child.pid), signal.SIGHUP)
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(1)
            processes.end(self._child.pid, b"")
        self._selector.close()
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        if self.tty:
            with suppress(OSError):
                os.close(self._terminal)


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class AttachedSession:
    """The input and output of a container's own program, in frames over its supervisor's socket."""

    def __init__(self, connection: socket.socket, *, tty: bool) -> None:
        self.tty = tty
        self._connection = connection
        self._received = b""
        self._code: int | None = None

    def fileno(self) -> int:
        return self._connection.fileno()

    def _frame(self, kind: int, data: bytes) -> None:
        with suppress(OSError):
            self._connection.sendall(frames.packed(kind, data))

    def send(self, data: bytes) -> None:
        self._frame(frames.STDIN, data)

    def close_stdin(self) -> None:
        self._frame(frames.CLOSED, b"")

    def resize(self, rows: int, columns: int) -> None:
        self._frame(frames.RESIZED, frames.size(rows, columns))

    def receive(self) -> Piece | None:
        while True:
            found = self._next()
            if found is None:
                return None
            kind, data = found
            if kind == frames.ENDED:
                self._code = int(data)
                return None
            return ("stdout" if kind == frames.STDOUT else "stderr"), data

    def _next(self) -> tuple[int, bytes] | None:
        while True:
            if (frame := frames.first(self._received)) is not None:
                kind, data, self._received = frame
                return kind, data
            try:
                piece = self._connection.recv(65536)
            except OSError:
                return None
            if not piece:
                return None
            self._received += piece

    def exit_code(self) -> int:
        while self._code is None:
            found = self._next()
            if found is None:
                return 137  # its supervisor is gone, and the program with it
            if found[0] == frames.ENDED:
                self._code = int(found[1])
        return self._code

    def close(self) -> None:
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
