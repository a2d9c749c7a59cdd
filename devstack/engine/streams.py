"""Commands inside containers, and the bytes that flow to and from them."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from devstack.compose.model import Strings
from devstack.engine import dial, observing
from devstack.engine.base import ExecResult
from devstack.engine.translate import refusal, translated
from devstack.engine.wire import Wire, message
from devstack.errors import EngineError, EngineRefused

Stream = Literal["stdout", "stderr"]
SETTLE = 5.0
"""Seconds the engine may take after a command's output has ended to know its exit code."""


def prepare_exec(wire: Wire, container: str, body: Mapping[str, object]) -> str:
    """Register a command; gives the exec's id. Not repeated: a second registration is harmless but pointless."""
    path = f"/containers/{container}/exec"

    def request(client: Any) -> str:
        response = client.post(wire.url(path), json=dict(body), timeout=wire.timeout)
        if response.status_code >= 400:
            raise refusal(response.status_code, message(response), f"running a command in {container}")
        return str(response.json()["Id"])

    return wire.call(f"running a command in {container}", request)


def exec_body(
    command: Sequence[str], *, user: str, environment: Strings, workdir: str, stdin: bool, tty: bool, privileged: bool
) -> dict[str, object]:
    return {
        "Cmd": list(command),
        "User": user,
        "Env": [f"{key}={value}" for key, value in environment.items()],
        "WorkingDir": workdir,
        "AttachStdin": stdin,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": tty,
        "Privileged": privileged,
    }


class DockerSession:
    """A command inside a container with its terminal or pipes here (`devstack.engine.base.Session`)."""

    def __init__(self, wire: Wire, exec_id: str, *, tty: bool, doing: str) -> None:
        self.tty = tty
        self._wire, self._id, self._doing = wire, exec_id, doing
        path = f"/v{wire.client.api_version}/exec/{exec_id}/start"
        with translated(doing):
            try:
                self._duplex = dial.upgrade(wire.line, path, {"Detach": False, "Tty": tty}, timeout=wire.timeout, alive=wire.ping)
            except dial.Refused as error:
                raise refusal(error.status, error.words, doing) from error

    def fileno(self) -> int:
        return self._duplex.fileno()

    def send(self, data: bytes) -> None:
        with translated(self._doing):
            self._duplex.send(data)

    def close_stdin(self) -> None:
        self._duplex.half_close()

    def receive(self) -> tuple[Stream, bytes] | None:
        with translated(self._doing):
            if self.tty:
                data = self._duplex.receive()
                return ("stdout", data) if data else None
            return frame(self._duplex)

    def exchange(self, stdin: bytes | None) -> tuple[bytes, bytes]:
        """Send all of `stdin` while reading all output, so that neither side waits for the other."""
        out: dict[Stream, list[bytes]] = {"stdout": [], "stderr": []}
        rest = memoryview(stdin or b"")
        while True:
            if rest and not self._duplex.pending:
                rest = self._push(rest)
                if not rest:
                    self.close_stdin()
                if not self._ready():
                    continue
            piece = self.receive()
            if piece is None:
                return b"".join(out["stdout"]), b"".join(out["stderr"])
            out[piece[0]].append(piece[1])

    def _push(self, rest: memoryview) -> memoryview:
        """Send what the socket takes once it takes or gives something; a program that reads no more gets no more."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN | select.POLLOUT)
        events = dict(poll.poll(dial.QUIET * 1000)).get(self.fileno(), 0)
        if not events:
            self._wire.ping()
        if not events & select.POLLOUT:
            return rest
        try:
            return rest[self._duplex.send_some(bytes(rest[:65536])) :]
        except (BrokenPipeError, ConnectionResetError):
            return rest[:0]

    def _ready(self) -> bool:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN | select.POLLHUP)
        return self._duplex.pending or bool(poll.poll(0))

    def resize(self, rows: int, columns: int) -> None:
        """The terminal's size. A program that is not there yet or any more has none."""
        try:
            self._wire.call(self._doing, lambda c: c.exec_resize(self._id, height=rows, width=columns))
        except EngineRefused:
            return

    def exit_code(self) -> int:
        deadline = time.monotonic() + SETTLE
        while True:
            code = self._wire.again(self._doing, lambda c: observing.exec_code(c.exec_inspect(self._id)))
            if code is not None:
                return code
            if time.monotonic() > deadline:
                raise EngineError(f"the engine does not say how {self._doing} ended", hints=["run the command again"])
            time.sleep(0.02)

    def close(self) -> None:
        self._duplex.close()


def stream_of(header: bytes) -> Stream:
    """Which stream a frame belongs to, from the first byte of its header."""
    return "stderr" if header[:1] == b"\x02" else "stdout"


def frame(duplex: dial.Duplex) -> tuple[Stream, bytes] | None:
    """One frame of a multiplexed stream: a header of 8 bytes (stream, 3 zeros, length), then the bytes."""
    header = duplex.exactly(8)
    if not header:
        return None
    data = duplex.exactly(int.from_bytes(header[4:], "big"))
    return (stream_of(header), data) if data else frame(duplex)


def run_exec(
    wire: Wire,
    container: str,
    command: Sequence[str],
    *,
    user: str,
    environment: Strings,
    workdir: str,
    stdin: bytes | None,
    privileged: bool,
) -> ExecResult:
    body = exec_body(
        command, user=user, environment=environment, workdir=workdir, stdin=stdin is not None, tty=False, privileged=privileged
    )
    exec_id = prepare_exec(wire, container, body)
    session = DockerSession(wire, exec_id, tty=False, doing=f"running {command[0]} in {container}")
    with contextlib.closing(session):
        if stdin == b"":
            session.close_stdin()
        out, err = session.exchange(stdin)
        return ExecResult(session.exit_code(), out, err)
