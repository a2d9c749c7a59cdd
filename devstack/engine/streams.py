"""What flows: commands inside containers, logs, events."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import requests

from devstack import labels
from devstack.compose.model import Strings
from devstack.engine import dial, observing
from devstack.engine.base import Event, ExecResult, LogLine
from devstack.engine.translate import FAMILIES, refusal, translated
from devstack.engine.wire import Params, Wire, message, socket_of
from devstack.errors import EngineError, EngineRefused

Stream = Literal["stdout", "stderr"]
_NAMES: dict[int, Stream] = {0: "stdout", 1: "stdout", 2: "stderr"}
ACTIONS = ["create", "start", "restart", "die", "oom", "kill", "stop", "destroy", "pause", "unpause", "rename", "health_status"]
"""What is listened for; every probe of every container makes three more events, which would only be noise."""
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
                self._duplex = dial.upgrade(
                    wire.line, path, {"Detach": False, "Tty": tty}, timeout=wire.timeout, alive=wire.ping
                )
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


def frame(duplex: dial.Duplex) -> tuple[Stream, bytes] | None:
    """One frame of a multiplexed stream: a header of 8 bytes (stream, 3 zeros, length), then the bytes."""
    header = duplex.exactly(8)
    if not header:
        return None
    data = duplex.exactly(int.from_bytes(header[4:], "big"))
    return (_NAMES.get(header[0], "stdout"), data) if data else frame(duplex)


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


def log_lines(
    wire: Wire,
    container: str,
    *,
    follow: bool,
    tail: int | None,
    since: float | None,
    until: float | None,
    timestamps: bool,
) -> Iterator[LogLine]:
    """Lines of both streams, in the order the engine has them. A follow ends when the container does, or the engine."""
    doing = f"reading the logs of {container}"
    tty = wire.again(doing, lambda c: bool(c.inspect_container(container)["Config"].get("Tty")))
    params: Params = {
        "stdout": 1,
        "stderr": 1,
        "follow": int(follow),
        "timestamps": int(timestamps),
        "tail": "all" if tail is None else tail,
    }
    params |= {} if since is None else {"since": f"{since:.9f}"}
    params |= {} if until is None else {"until": f"{until:.9f}"}
    path = f"/containers/{container}/logs"
    response = wire.stream(doing, path, params, timeout=None if follow else wire.timeout)
    return _lines(response, doing, tty=tty, timestamps=timestamps)


def _lines(response: requests.Response, doing: str, *, tty: bool, timestamps: bool) -> Iterator[LogLine]:
    rests: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}
    with contextlib.closing(response):
        for stream, data in _chunks(response, doing, tty=tty):
            *whole, rests[stream] = (rests[stream] + data).split(b"\n")
            for line in whole:
                yield _line(stream, line, timestamps=timestamps)
        for stream, rest in rests.items():
            if rest:
                yield _line(stream, rest, timestamps=timestamps)


def _chunks(response: requests.Response, doing: str, *, tty: bool) -> Iterator[tuple[Stream, bytes]]:
    raw = response.raw
    while True:
        with translated(doing):
            if tty:
                piece: tuple[Stream, bytes] = ("stdout", raw.read1(65536))
            else:
                header = raw.read(8)
                size = int.from_bytes(header[4:8], "big") if len(header) == 8 else 0
                piece = (_NAMES.get(header[0], "stdout") if header else "stdout", raw.read(size) if size else b"")
                if size and not piece[1]:
                    return
                if len(header) == 8 and not size:
                    continue
        if not piece[1]:
            return
        yield piece


def _line(stream: Stream, line: bytes, *, timestamps: bool) -> LogLine:
    text = line.decode(errors="replace").rstrip("\r")
    if not timestamps:
        return LogLine(text, stream)
    stamp, _, rest = text.partition(" ")
    return LogLine(rest, stream, observing.moment(stamp))


class Watch:
    """The events of a project's containers (`devstack.engine.base.Engine.watch`).

    A stream that ends without being closed by us is subscribed again, and then one `Event(lost=True)` is yielded: who looks at the
    state after that misses nothing. When the engine cannot be reached any more, the iterator raises `EngineError`.
    """

    def __init__(self, wire: Wire, project: str) -> None:
        self._wire, self._project = wire, project
        self._response: requests.Response | None = None
        self._closed = False

    def __enter__(self) -> Iterator[Event]:
        self._subscribe()
        return self._events()

    def __exit__(self, *_: object) -> None:
        self._closed = True
        if self._response is not None:
            _hang_up(self._response)

    def _subscribe(self) -> None:
        params: Params = {
            "filters": json.dumps(
                {"type": ["container"], "event": list(ACTIONS), "label": [f"{labels.PROJECT}={self._project}"]}
            ),
        }
        if self._wire.endpoint.local:
            # The engine answers a moment before it listens to itself; what happens in that moment it replays from here on.
            params["since"] = f"{time.time():.9f}"
        self._response = self._wire.stream("waiting for events", "/events", params, timeout=None)

    def _events(self) -> Iterator[Event]:
        while not self._closed:
            assert self._response is not None
            for line in self._received(self._response):
                with translated("reading an event"):
                    event = observing.event(json.loads(line))
                yield event
            if not self._closed:
                self._subscribe()
                yield Event(action="lost", time=time.time(), lost=True)

    def _received(self, response: requests.Response) -> Iterator[bytes]:
        """Lines until the stream ends, however it ends: only closing it ourselves and losing it differ, and `_closed` tells."""
        rest = b""
        while True:
            try:
                data = response.raw.read1(65536)
            except FAMILIES:
                # Closing the socket under a reader surfaces as any of several errors, and so does the engine's death.
                return
            if not data:
                return
            *whole, rest = (rest + data).split(b"\n")
            yield from (line for line in whole if line.strip())


def _hang_up(response: requests.Response) -> None:
    """Wake a reader blocked in another thread: closing the response alone would wait for it."""
    line = socket_of(response)
    if line is not None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
    response.close()
