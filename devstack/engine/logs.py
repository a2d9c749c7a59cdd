"""What containers wrote."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import requests

from devstack.engine import observing
from devstack.engine.base import LogLine
from devstack.engine.streams import Stream, stream_of
from devstack.engine.translate import translated
from devstack.engine.wire import Params, Wire


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
                piece = (stream_of(header), raw.read(size) if size else b"")
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
