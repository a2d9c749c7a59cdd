"""Those who are connected to a supervisor, and how an attached one talks with its program. Standard library only."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
from contextlib import suppress
from typing import Any

from devstack.engine.native import frames
from devstack.engine.native.programs import Program


class Client:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.received = b""
        self.to_send = b""
        self.listens = False
        self.logs = ""
        self.attached = ""
        self.waits_for = ""

    def say(self, answer: dict[str, Any]) -> None:
        self.to_send += json.dumps(answer).encode() + b"\n"

    def frame(self, kind: int, data: bytes) -> None:
        self.to_send += frames.packed(kind, data)

    def feed(self, program: Program) -> None:
        """Give the program the whole frames that have come: input, its end, the size of the terminal."""
        while (frame := frames.first(self.received)) is not None:
            kind, data, self.received = frame
            _feed(program, kind, data)


def _feed(program: Program, kind: int, data: bytes) -> None:
    """Its input is small (what a person types, a short file): a full pipe is waited for."""
    pipe = program.child.stdin if program.child else None
    target = program.terminal if program.terminal >= 0 else pipe.fileno() if pipe and not pipe.closed else -1
    if target < 0:
        return
    if kind == frames.RESIZED:
        rows, columns = frames.size_of(data)
        with suppress(OSError):
            import termios

            fcntl.ioctl(target, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    elif kind == frames.CLOSED:
        if program.terminal >= 0:
            os.write(target, b"\x04")
        elif pipe is not None:
            pipe.close()
    else:
        with suppress(BrokenPipeError, OSError):
            while data:
                data = data[os.write(target, data) :]
