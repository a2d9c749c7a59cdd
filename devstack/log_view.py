"""Logs of several containers as one: merged by time, or as they come when following."""

from __future__ import annotations

import heapq
import json
import queue
import re
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from devstack.engine.base import Container, Engine, LogLine, Observed
from devstack.errors import DevstackError, UsageError

LOOK_UP = 1.0
"""Seconds after which a quiet log looks up whether anybody still reads it."""
DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines: `tail` None means all, `since` in Unix seconds."""

    services: tuple[str, ...] = ()
    follow: bool = False
    tail: int | None = None
    since: float | None = None
    timestamps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How lines are shown."""

    prefix: bool = True
    timestamps: bool = False
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One line and who wrote it. `name` is the service, with its number when there are several."""

    name: str
    service: str
    line: LogLine
    width: int


def tail_of(text: str) -> int | None:
    """`--tail`: a number, or "all"."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"--tail {text}: this is neither a number nor all", hints=["--tail 100"])
    return int(text)


def moment(text: str) -> float | None:
    """`--since`: a duration back from now ("10m"), or an ISO time; as Unix seconds."""
    if not text:
        return None
    match = DURATION.fullmatch(text)
    if match and any(match.groups()):
        days, hours, minutes, seconds = (float(group or 0) for group in match.groups())
        return time.time() - (days * 86400 + hours * 3600 + minutes * 60 + seconds)
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--since {text}: this is neither a duration nor a time", hints=["--since 10m", "--since 2026-01-31T12:00"]
        ) from None
    return then.timestamp()


def entries(engine: Engine, project: str, observed: Observed, wanted: Wanted) -> Iterator[Entry]:
    """The lines. Following ends when every followed container has ended and none starts again, or with Ctrl-C."""
    containers = [c for c in observed.containers if not c.oneoff and (not wanted.services or c.service in wanted.services)]
    several = {c.service for c in containers if len(observed.of(c.service)) > 1}
    names = {c.id: f"{c.service}-{c.number}" if c.service in several else c.service for c in containers}
    width = max((len(name) for name in names.values()), default=0)
    if wanted.follow:
        yield from _follow(engine, project, containers, names, width, wanted)
        return
    streams = [_entries(engine, c, names[c.id], width, wanted) for c in containers]
    yield from heapq.merge(*streams, key=lambda entry: entry.line.time)


def _entries(engine: Engine, container: Container, name: str, width: int, wanted: Wanted) -> Iterator[Entry]:
    for line in engine.logs(container.id, tail=wanted.tail, since=wanted.since, timestamps=True):
        yield Entry(name, container.service, line, width)


def _follow(
    engine: Engine, project: str, containers: list[Container], names: dict[str, str], width: int, wanted: Wanted
) -> Iterator[Entry]:
    lines: queue.Queue[Entry | DevstackError | None] = queue.Queue()

    def pump(container: str, name: str, service: str, tail: int | None, since: float | None) -> None:
        try:
            for line in engine.logs(container, follow=True, tail=tail, since=since, timestamps=True):
                lines.put(Entry(name, service, line, width))
        except DevstackError as error:
            lines.put(error)
        lines.put(None)

    def begin(container: str, service: str, tail: int | None, since: float | None) -> None:
        name = names.get(container, service)
        threading.Thread(target=pump, args=(container, name, service, tail, since), daemon=True).start()

    with engine.watch(project) as events:

        def restarts() -> None:
            for event in events:
                if event.action == "start" and (not wanted.services or event.service in wanted.services):
                    begin(event.container, event.service, None, event.time)

        for container in containers:
            begin(container.id, container.service, wanted.tail, wanted.since)
        threading.Thread(target=restarts, daemon=True).start()
        while True:
            try:
                item = lines.get(timeout=LOOK_UP)
            except queue.Empty:
                if _reader_is_gone():
                    raise BrokenPipeError from None
                continue
            if isinstance(item, DevstackError):
                raise item
            if item is not None:
                yield item
            elif not any(c.running for c in engine.containers(project)):
                return


def _reader_is_gone() -> bool:
    """Whether whoever read our output through a pipe has left: a quiet log would not find out by writing."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
    except (OSError, ValueError):
        return False


def shown(entry: Entry, style: Style, paint: Callable[[str, str], str]) -> str:
    """One entry as a line of text."""
    text = _printable(entry.line.text)
    when = datetime.fromtimestamp(entry.line.time, UTC).isoformat(timespec="milliseconds")
    if style.as_json:
        document = {"service": entry.service, "container": entry.name, "time": when, "stream": entry.line.stream, "text": text}
        return json.dumps(document, ensure_ascii=False)
    prefix = paint(f"{entry.name:<{entry.width}} | ", entry.service) if style.prefix else ""
    return f"{prefix}{when + ' ' if style.timestamps else ''}{text}"


CONTROL = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[A-LN-Za-ln-z]|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]")


def _printable(text: str) -> str:
    """The line without what would steer the terminal; colours stay."""
    return CONTROL.sub("", text)
