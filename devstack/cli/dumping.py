"""The flows of `db dump` and `db load`: a database out to a file, and a file in the place of a database."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.cli.console import columns, is_interactive
from devstack.cli.databases import Database, opened
from devstack.cli.losing import content, human
from devstack.cli.session import Session
from devstack.cli.snapshots import put_in_place
from devstack.compose.model import Json
from devstack.errors import DevstackError, Refused, SpecError, UsageError

if TYPE_CHECKING:
    from devstack.database.script import Script


def dump(session: Session, file: Path, service: str, database: str, *, yes: bool) -> None:
    """Write the database to a file."""
    from devstack.database import dumps

    if file.is_dir():
        raise UsageError(f"{file} is a folder", hints=[f"devstack db dump {file / 'data.dump'}"])
    if file.exists() and not yes and not session.console.ask(f"Replace {file} ({human(file.stat().st_size)})?"):
        raise Refused(f"{file} is there already", hints=[f"devstack db dump {file} --yes", "or choose another name"])
    with opened(session, service, database) as live, _bytes(session, "dump", None) as shown:
        size = dumps.dump(session.engine, live.container.id, live.role, live.name, file, shown)
    answer: Json = {"file": str(file), "size": size, "service": live.service, "database": live.name}
    session.console.answer(answer, f"{file}: {human(size)} of {live.service}/{live.name}     back: devstack db load {file}")


def load(session: Session, file: Path, service: str, database: str, *, trusted: bool, yes: bool) -> None:
    """Put what a dump makes in the place of the database, which is kept for undo."""
    from devstack.database import loading

    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    with opened(session, service, database) as live:
        _consent(session, live, file, yes)
        text = _text(session, live, file)
        script = _script(text, file.name, live)
        work = live.cluster.make_empty(like=live.name)
        try:
            with _bytes(session, "load", len(script.text)) as shown:
                done = loading.load(live.cluster, work, live.name, script, trusted=trusted, on_part=shown)
        except BaseException:
            live.cluster.discard(work)
            raise
        saved = put_in_place(session, live, live.name, work, "load")
    if done.owners:
        session.console.label(
            "owner", f"everything belongs to {live.cluster.target.user}; {done.owners} statements about owners left out"
        )
    answer: Json = {
        "file": str(file),
        "service": live.service,
        "database": live.name,
        "statements": done.statements,
        "extensions": list(done.extensions),
        "snapshot": saved,
    }
    session.console.answer(answer, f"{live.name} is what {file.name} makes ({done.statements} statements)     undo: devstack undo")


def _consent(session: Session, live: Database, file: Path, yes: bool) -> None:
    size, text = content(live.servers, live.service, live.name)
    session.console.say(f"This replaces a database by {file} ({human(file.stat().st_size)}):")
    session.console.say(columns([["database", f"{live.service}/{live.name}", human(size), text]]))
    session.console.say("It is kept; `devstack undo` brings it back.")
    if not yes and not session.console.ask(f"Load {file.name}?"):
        raise Refused("nothing was changed", hints=[f"devstack db load {file} --yes"])


def _text(session: Session, live: Database, file: Path) -> bytes:
    from devstack.database import dumps

    with _bytes(session, "read", file.stat().st_size) as shown:
        text = dumps.script(session.engine, live.container.id, live.role, file, shown)
    server, program = dumps.majors(text)
    mine = live.cluster.version // 10000
    if server is not None and server > mine:
        raise DevstackError(
            f"{file.name} is a dump of PostgreSQL {server}, and {live.service} runs {mine}",
            details=[("made by", f"pg_dump {program}" if program else "an unknown pg_dump")],
            hints=[f"use an image of PostgreSQL {server} or newer for {live.service}"],
            code="wrong-major",
        )
    return text


def _script(text: bytes, name: str, live: Database) -> Script:
    from devstack.database.environment import Environment
    from devstack.database.scanner import parse

    try:
        return parse(text, name, environment=Environment())
    except SpecError as error:
        raise DevstackError(
            f"{name} has what a dump has not, or what cannot be loaded",
            details=[("refused", "\n".join(str(problem) for problem in error.problems[:8])), ("so far", "nothing was loaded")],
            hints=[f"devstack db-shell {live.service} -f {name}   (runs it in psql, as you)"],
            code="load-refused",
        ) from error


@contextmanager
def _bytes(session: Session, what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """On a terminal how far it is, elsewhere nothing."""
    if not is_interactive(sys.stderr) or session.console.as_json:
        yield lambda done: None
        return
    from rich.console import Console as Rich
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    parts = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = Progress(*parts, console=Rich(stderr=True), transient=True)
    with shown:
        task = shown.add_task(what, total=total)
        yield lambda done: shown.update(task, completed=done)
