"""The flows of `db snapshot`, `snapshots`, `restore` and `clone`: whole databases copied on their own server."""

from __future__ import annotations

import re
import time

from devstack.cli.console import columns
from devstack.cli.databases import Database, as_json, mark, opened, say_sessions, when
from devstack.cli.losing import content, human
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.database import marks
from devstack.database import undo as undoing
from devstack.database.marks import Kept, Mark
from devstack.errors import DevstackError, Refused, UsageError
from devstack.words import counted

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,29}")
_DATABASE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def snapshot(session: Session, name: str, service: str, database: str) -> None:
    """Keep a copy of the database as it is now."""
    name = name or time.strftime("%Y-%m-%d-%H%M%S")
    if not _NAME.fullmatch(name):
        raise UsageError(f'"{name}" is no name for a snapshot: use letters, digits, ".", "_" and "-", 30 at most', code="snapshot")
    with opened(session, service, database) as live:
        stored = marks.snapshot_name(live.name, name)
        if live.cluster.has(stored):
            raise UsageError(f"there is a snapshot {name} already", hints=[f"devstack db prune {name}"], code="snapshot")
        say_sessions(session, live)
        made = mark(session, live, "snapshot", name)
        work = live.cluster.copy(live.name, like=live.name)
        live.cluster.freeze(work, stored, made)
        kept = Kept(database=stored, mark=made, size=live.cluster.size(stored))
        answer = as_json(kept, live.service)
    session.console.answer(answer, f"{name}: {human(kept.size)} of {live.service}/{live.name}     back: devstack db restore {name}")


def snapshots(session: Session, service: str) -> None:
    """The snapshots there are, and what undo would bring back."""
    with opened(session, service, there=False) as live:
        found = live.cluster.kept("snapshot", sizes=True)
        aside = live.cluster.kept("aside", sizes=True)
    rows = [as_json(kept, live.service) for kept in found]
    answer: Json = {"snapshots": list(rows), "aside": [as_json(kept, live.service) for kept in aside]}
    lines = [_line(kept) for kept in found]
    text = columns(lines, header=["name", "database", "size", "made", "commit", "schema"]) if lines else "there are no snapshots"
    session.console.answer(answer, text)
    if aside:
        total = human(sum(kept.size or 0 for kept in aside))
        session.console.say(f"{counted(len(aside), 'database')} put aside for undo: {total} (devstack db prune)")


def _line(kept: Kept) -> list[str]:
    assert kept.mark is not None
    return [kept.mark.name, kept.mark.of, human(kept.size), when(kept.mark.when), kept.mark.commit, kept.mark.key[:12]]


def restore(session: Session, name: str, service: str, *, yes: bool) -> None:
    """Put a copy of a snapshot in the place of the live database, which is kept for undo."""
    with opened(session, service, there=False) as server:
        kept, found = find(server, name)
        if found.major != server.cluster.version // 10000:
            raise DevstackError(
                f"snapshot {name} is of PostgreSQL {found.major}, and {server.service} runs {server.cluster.version // 10000}",
                hints=["dump it with the old server (devstack db dump), then devstack db load"],
                code="wrong-major",
            )
        there = server.cluster.has(found.of)
        size, text = content(server.servers, server.service, found.of) if there else (None, "it is not there")
        session.console.say(f"This replaces a database by snapshot {name} of {when(found.when)}:")
        session.console.say(columns([["database", f"{server.service}/{found.of}", human(size), text]]))
        session.console.say("It is kept; `devstack undo` brings it back.")
        if not yes and not session.console.ask(f"Restore {name}?"):
            raise Refused("nothing was changed", hints=[f"devstack db restore {name} --yes"])
        work = server.cluster.copy(kept.database, like=found.of if there else kept.database, comment=there)
        saved = put_in_place(session, server, found.of, work, "restore")
    answer: dict[str, Json] = {"restored": name, "service": server.service, "database": found.of, "snapshot": saved}
    session.console.answer(answer, f"{found.of} is as it was in {name}     undo: devstack undo")


def put_in_place(session: Session, database: Database, name: str, work: str, reason: str) -> str:
    """A work database becomes a live one, what was live is kept for undo; the name under which."""
    part = undoing.replaced(database.service, name, work)
    try:
        saved = undoing.reset(
            session.engine, session.stack, (), images={}, databases=[part], servers=database.servers, reason=reason
        )
    except DevstackError:
        database.cluster.discard(work)  # it has another name when it took its place after all
        raise
    return saved.name


def find(database: Database, name: str) -> tuple[Kept, Mark]:
    """A snapshot by name. Raises UsageError with those there are."""
    found = database.cluster.kept("snapshot")
    for kept in found:
        if kept.mark is not None and kept.mark.name == name:
            return kept, kept.mark
    there = ", ".join(kept.mark.name for kept in found if kept.mark) or "none"
    raise UsageError(f"there is no snapshot {name}", hints=[f"snapshots: {there}"], code="snapshot")


def clone(session: Session, name: str, service: str, database: str) -> None:
    """A second database with the same content."""
    if not _DATABASE.fullmatch(name) or name.startswith("devstack_"):
        raise UsageError(f'"{name}" is no name for a database: use a-z, 0-9 and "_"', code="clone")
    with opened(session, service, database) as live:
        if live.cluster.has(name):
            raise UsageError(f"{live.service} has a database {name} already", code="clone")
        say_sessions(session, live)
        work = live.cluster.copy(live.name, like=live.name)
        live.cluster.set(work, "devstack.branch", "")
        live.cluster.adopt(work, name)
        size = live.cluster.size(name)
        url = live.cluster.at(name).masked
    answer: Json = {"database": name, "of": live.name, "service": live.service, "size": size, "url": url}
    session.console.answer(
        answer, f"{name}: {human(size)}, a copy of {live.service}/{live.name}     next: devstack db-shell -d {name}"
    )
