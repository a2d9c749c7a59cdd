"""The flows of commands that only look: `port`, `top`, `images`, `ls`, `events`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from devstack.cli.console import columns
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.engine.base import Container, Event, State
from devstack.errors import DevstackError, UsageError
from devstack.machine import standing

UNITS = ("B", "kB", "MB", "GB", "TB")


def of_services(session: Session, names: Sequence[str], *, oneoffs: bool = False) -> list[Container]:
    """The containers of the named services, or of all, by service and number."""
    for name in names:
        session.service(name)
    found = [c for c in session.observe().containers if (not names or c.service in names) and (oneoffs or not c.oneoff)]
    return sorted(found, key=lambda c: (c.service, c.number, c.name))


def show_port(session: Session, service: str, target: str, *, protocol: str, index: int) -> None:
    """The host's address of a container's port, a line for each it is published on."""
    number, slash, given = target.partition("/")
    protocol = given if slash else protocol
    if not (number.isascii() and number.isdigit()) or protocol not in ("tcp", "udp", "sctp"):
        raise UsageError(f"{target}: this is no port", hints=["devstack port SERVICE 80", "devstack port SERVICE 53/udp"])
    container = session.container(service, index)
    found = [b for b in container.bindings if b.target == int(number) and b.protocol == protocol]
    if not found:
        there = ", ".join(f"{b.target}/{b.protocol}" for b in container.bindings) or "none"
        raise DevstackError(f"{service} does not publish {number}/{protocol}", details=[("it has", there)], code="not-published")
    addresses = [f"[{b.host_ip}]:{b.published}" if ":" in b.host_ip else f"{b.host_ip}:{b.published}" for b in found]
    session.console.answer({"addresses": list(addresses)}, "\n".join(addresses))


def show_processes(session: Session, names: Sequence[str]) -> None:
    """What runs inside the containers."""
    titles: tuple[str, ...] = ()
    rows: list[list[str]] = []
    data: list[Json] = []
    for container in of_services(session, names, oneoffs=True):
        if container.state not in (State.RUNNING, State.PAUSED):
            continue
        seen = session.engine.top(container.id)
        titles = seen.titles
        rows += [[container.service, str(container.number or "run"), *row] for row in seen.rows]
        processes: list[Json] = [dict(zip(seen.titles, row, strict=False)) for row in seen.rows]
        data.append({"service": container.service, "container": container.name, "processes": processes})
    text = columns(rows, header=["SERVICE", "#", *titles], indent="") if rows else "nothing runs"
    session.console.answer({"containers": data}, text)


def show_images(session: Session, names: Sequence[str]) -> None:
    """The images that the containers were made from, which need not be those the files name now."""
    rows: list[list[str]] = []
    data: list[Json] = []
    for container in of_services(session, names):
        image = session.engine.image(container.image_id or container.image)
        size, made = (image.size, image.created) if image else (0, 0.0)
        platform = image.platform if image else ""
        repository, tag = _reference(container.image)
        shown = container.image_id.removeprefix("sha256:")[:12]
        rows.append([container.name, repository, tag, platform, shown, shown_size(size) if image else "gone", _age(made)])
        data.append(
            {
                "container": container.name,
                "service": container.service,
                "image": container.image,
                "id": container.image_id,
                "platform": platform or None,
                "size": size if image else None,
                "created": made or None,
                "stand_in": (image.stand_in if image else "") or None,
            }
        )
    header = ["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"]
    session.console.answer({"images": data}, columns(rows, header=header, indent="") if rows else "there are no containers")


def _reference(image: str) -> tuple[str, str]:
    repository, colon, tag = image.partition("@")[0].rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (image, "latest")


def shown_size(size: float) -> str:
    """Bytes as people read them."""
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")


def _age(moment: float) -> str:
    """How long ago, roughly; reproducible builds have no honest time of making."""
    if moment <= 0:
        return "unknown"
    seconds = time.time() - moment
    for size, word in ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= size:
            return f"{seconds // size:.0f} {word}{'s' if seconds >= 2 * size else ''} ago"
    return "just now"


def show_stacks(session: Session, *, every: bool, running: bool, quiet: bool) -> None:
    """Every stack on the engine."""
    from devstack import labels

    found = standing(session.engine.containers(), session.engine.volumes(labels.PROJECT) if every else ())
    chosen = [stack for stack in found if stack.is_running or not running]
    if quiet:
        session.console.answer([stack.name for stack in chosen], "\n".join(stack.name for stack in chosen) or None)
        return
    rows = [[s.name, s.status, s.by, s.folder, ",".join(_short(s.folder, path) for path in s.files)] for s in chosen]
    text = columns(rows, header=["NAME", "STATUS", "BY", "FOLDER", "FILES"], indent="") if rows else "no stack is on this engine"
    session.console.answer({"stacks": [stack.as_json() for stack in chosen]}, text)


def _short(folder: str, path: str) -> str:
    return path.removeprefix(folder.rstrip("/") + "/") if folder else path


def follow_events(session: Session, names: Sequence[str], *, as_json: bool) -> None:
    """One line for each thing that happens to a container, until Ctrl-C."""
    for name in names:
        session.service(name)
    with session.engine.watch(session.stack.name) as events:
        session.console.label("events", f"of {session.stack.name}; Ctrl-C ends")
        for line in _event_lines(events, names, as_json=as_json):
            session.console.out(line)


def _event_lines(events: Iterable[Event], names: Sequence[str], *, as_json: bool) -> Iterable[str]:
    for event in events:
        if event.lost or (names and event.service not in names):
            continue
        when = datetime.fromtimestamp(event.time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        attributes: dict[str, Json] = {"image": event.image, "name": event.name}
        attributes |= {"health": str(event.health)} if event.health is not None else {}
        attributes |= {"exitCode": str(event.exit_code)} if event.exit_code is not None else {}
        if as_json:
            document = {"time": when, "type": "container", "action": event.action, "id": event.container, "service": event.service}
            yield json.dumps({**document, "attributes": attributes}, ensure_ascii=False)
        else:
            told = ", ".join(f"{key}={value}" for key, value in attributes.items())
            yield f"{when} {event.action} {event.service} {event.container[:12]} ({told})"
