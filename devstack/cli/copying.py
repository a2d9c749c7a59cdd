"""The flow of `cp`: which side is the container's, and which of its containers."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from devstack import transfer
from devstack.cli.looking import shown_size
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.engine.base import Container
from devstack.errors import DevstackError, UsageError
from devstack.words import counted

STREAM = "-"


@dataclass(frozen=True, slots=True)
class Place:
    """One side of a copy. `service` "" is this machine."""

    service: str
    path: str


def place(text: str) -> Place:
    """`SERVICE:PATH`, or a path here. A colon behind a slash is part of a path."""
    service, colon, path = text.partition(":")
    return (
        Place(service, path or "/") if colon and service and "/" not in service and not service.startswith(".") else Place("", text)
    )


def copy(session: Session, source: str, target: str, *, index: int, owners: bool, follow: bool) -> None:
    """Copy between this machine and a service."""
    here, there = place(source), place(target)
    if bool(here.service) == bool(there.service):
        what = "both are services" if here.service else "neither is a service"
        raise UsageError(
            f"cp {source} {target}: {what}", hints=["devstack cp SERVICE:/path ./path", "devstack cp ./path SERVICE:/path"]
        )
    if here.service:
        _fetch(session, here, there.path, index=index, owners=owners, follow=follow)
    else:
        _send(session, here.path, there, index=index, owners=owners, follow=follow)


def _containers(session: Session, service: str, index: int) -> list[Container]:
    """The containers, running or not; all of a service's when no index is given."""
    session.service(service)
    found = [c for c in session.observe().of(service) if index in (0, c.number)]
    if not found:
        raise DevstackError(
            f"{service} has no container{f' {index}' if index else ''}", hints=[f"devstack up {service}"], code="not-running"
        )
    return found


def _fetch(session: Session, source: Place, target: str, *, index: int, owners: bool, follow: bool) -> None:
    container = _containers(session, source.service, index)[0]
    if target == STREAM:
        transfer.fetch_stream(session.engine, container.id, source.path, sys.stdout.buffer, follow=follow)
        return
    # A slash at the end says that a folder is meant, and a Path has none.
    if target.endswith("/") and not Path(target).is_dir():
        found = session.engine.stat(container.id, source.path)
        if found is None or not found.is_folder:
            raise UsageError(f"{target}: no such folder")
    copied = transfer.fetch(session.engine, container.id, source.path, Path(target), owners=owners, follow=follow)
    for line in copied.skipped:
        session.console.label("left out", line)
    _answer(session, copied, f"{source.service}:{source.path}", target)
    if copied.skipped and not copied.files:
        raise DevstackError("nothing was copied")


def _send(session: Session, source: str, target: Place, *, index: int, owners: bool, follow: bool) -> None:
    copied = transfer.Copied()
    containers = _containers(session, target.service, index)
    if source == STREAM:
        if len(containers) > 1:
            raise UsageError(
                f"{target.service} has {counted(len(containers), 'container')}, and a stream can be read once", hints=["--index 1"]
            )
        transfer.send_stream(session.engine, containers[0].id, sys.stdin.buffer, target.path, owners=owners)
    else:
        for container in containers:
            copied = transfer.send(
                session.engine, container.id, Path(source), target.path, typed=source, owners=owners, follow=follow
            )
    _answer(session, copied, source, f"{target.service}:{target.path}", containers=len(containers))


def _answer(session: Session, copied: transfer.Copied, source: str, target: str, *, containers: int = 1) -> None:
    data: dict[str, Json] = {
        "source": source,
        "target": target,
        "containers": containers,
        "files": copied.files,
        "bytes": copied.bytes,
        "skipped": list(copied.skipped),
    }
    if session.console.as_json:
        session.console.answer(data)
        return
    into = f" into {containers} containers" if containers > 1 else ""
    count = f" ({counted(copied.files, 'file')}, {shown_size(copied.bytes)})" if copied.files else ""
    session.console.label("copied", f"{source} to {target}{into}{count}")
