"""The schema step: which SQL files a database has had, which it still needs, and applying those in order."""

from __future__ import annotations

import difflib
import os
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from devstack.database import ledger, scanner, source
from devstack.database.connection import Connection, connect
from devstack.database.creation import create_database
from devstack.database.outcome import DatabaseMissing
from devstack.database.run import run_file
from devstack.database.script import Script, checksum
from devstack.database.target import Target
from devstack.errors import DevstackError, SpecError

APPLICATION = "devstack-schema"
_LOCK_WAIT = 60.0
_CONNECT_WAIT = 30.0
_DIFF_LINES = 60

State = Literal["applied", "pending", "edited", "missing", "failed"]


class OnFile(Protocol):
    """Told about each file. `state` is "running", "applied" (`text`: "0.1 s"), "notice" (the server's words) or "waiting"."""

    def __call__(self, path: str, state: str, text: str = "") -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFiles:
    """The SQL files of one database, in the order they are applied. Their names in the ledger are relative to `root`."""

    service: str
    database: str
    files: tuple[Path, ...]
    root: Path

    def name(self, file: Path) -> str:
        return os.path.relpath(file, self.root).replace(os.sep, "/")

    @property
    def place(self) -> str:
        return f"{self.service}/{self.database}"


@dataclass(frozen=True, slots=True)
class FileState:
    """One file against the ledger. `checksum` is of the file as it is ("" when missing), `applied_checksum` as it was applied."""

    path: str
    state: State
    checksum: str = ""
    applied_checksum: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class FileResult:
    path: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an apply did. `missing` are files that were applied once and are gone."""

    service: str
    database: str
    applied: tuple[FileResult, ...]
    unchanged: int
    missing: tuple[str, ...] = ()
    created_database: bool = False


def status(target: Target, files: SchemaFiles, *, deadline: float | None = None) -> tuple[FileState, ...]:
    """Each file's state, then those the ledger knows and the files do not. A database that is not there has everything pending."""
    contents = _contents(files)
    try:
        with connect(target, application_name=APPLICATION, deadline=deadline) as connection:
            return _states(contents, ledger.read(connection))
    except DatabaseMissing:
        return _states(contents, {})


def apply(
    target: Target,
    files: SchemaFiles,
    *,
    on_file: OnFile = lambda path, state, text="": None,
    deadline: float | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Applied:
    """Apply what is pending, one transaction a file, in order. The database is made when the server does not have it.

    A server that is only starting is waited for until `deadline` (`time.monotonic()`, default 30 s from now). `stop` is asked
    several times a second; True cancels on the server as Ctrl-C does. Raises SpecError for files that cannot be run, DevstackError
    "schema-edited", SqlError, DatabaseError.
    """
    deadline = time.monotonic() + _CONNECT_WAIT if deadline is None else deadline
    contents = _contents(files)
    run_id = uuid.uuid4().hex[:12]
    connection, created = _open(target, f"{APPLICATION} {run_id}", deadline, stop)
    with connection:
        step = _Apply(connection, files, contents, on_file, run_id)
        if not step.look():
            return step.result(created)
        with (
            connect(target, application_name=f"{APPLICATION} {run_id}", interrupted=stop) as watchman,
            ledger.lock(watchman, wait=_LOCK_WAIT, on_wait=lambda text: on_file("", "waiting", text), stop=stop),
        ):
            step.look()
            step.run()
        return step.result(created)


class _Apply:
    """One apply: what is known before, what was done so far."""

    def __init__(
        self, connection: Connection, files: SchemaFiles, contents: dict[str, bytes], on_file: OnFile, run_id: str
    ) -> None:
        self.connection = connection
        self.files = files
        self.contents = contents
        self.on_file = on_file
        self.run_id = run_id
        self.states: tuple[FileState, ...] = ()
        self.done: list[FileResult] = []

    @property
    def pending(self) -> list[str]:
        return [state.path for state in self.states if state.state in ("pending", "failed")]

    def look(self) -> bool:
        """Compare with the ledger; whether anything is to be done. Raises when an applied file was edited."""
        self.states = _states(self.contents, ledger.read(self.connection))
        edited = [state for state in self.states if state.state == "edited"]
        if edited:
            raise _edited(self.connection, self.files, self.contents, edited)
        return bool(self.pending)

    def run(self) -> None:
        todo = self.pending
        if not todo:
            return
        scripts = [self.read(path) for path in todo]  # every file is checked before the first is run
        _raise_problems(scripts)
        ledger.create(self.connection)
        for path, found in zip(todo, scripts, strict=True):
            if isinstance(found, Script):
                self.run_one(path, found)

    def read(self, path: str) -> Script | SpecError:
        try:
            return scanner.parse(self.contents[path], path)
        except SpecError as error:
            return error

    def run_one(self, path: str, parsed: Script) -> None:
        self.connection.on_notice = lambda notice: self.on_file(path, "notice", f"{notice.severity}: {notice.message}")
        self.on_file(path, "running")
        entry = ledger.Entry(
            path=path,
            position=list(self.contents).index(path),
            checksum=checksum(self.contents[path]),
            body=parsed.text,
            run_id=self.run_id,
        )
        if not parsed.transactional:
            _check_resume(self.connection, parsed, path)
        seconds = run_file(self.connection, parsed, entry, self.state_line)
        self.done.append(FileResult(path, seconds))
        self.on_file(path, "applied", f"{seconds:.1f} s")

    def state_line(self, rolled_back: bool) -> str:
        left = len(self.pending) - len(self.done) - 1
        applied = sum(state.state == "applied" for state in self.states) + len(self.done)
        counts = f"{applied} applied, 1 failed, {left} pending."
        if rolled_back:
            return f"{self.files.place} is as it was before this file: {counts}"
        return f"{self.files.place} keeps the statements before this one; the next apply goes on here: {counts}"

    def result(self, created: bool) -> Applied:
        return Applied(
            service=self.files.service,
            database=self.files.database,
            applied=tuple(self.done),
            unchanged=sum(state.state == "applied" for state in self.states),
            missing=tuple(state.path for state in self.states if state.state == "missing"),
            created_database=created,
        )


def _open(target: Target, name: str, deadline: float, stop: Callable[[], bool]) -> tuple[Connection, bool]:
    try:
        return connect(target, application_name=name, deadline=deadline, interrupted=stop), False
    except DatabaseMissing:
        created = create_database(target, application_name=name, deadline=deadline)
        return connect(target, application_name=name, deadline=deadline, interrupted=stop), created


def _contents(files: SchemaFiles) -> dict[str, bytes]:
    """Every file's bytes by its name. All unreadable files are reported at once."""
    contents: dict[str, bytes] = {}
    problems: list[SpecError] = []
    for file in files.files:
        name = files.name(file)
        try:
            contents[name] = source.read(file, name)
        except SpecError as error:
            problems.append(error)
    _raise_problems(problems)
    return contents


def _raise_problems(found: Sequence[object]) -> None:
    problems = [problem for item in found if isinstance(item, SpecError) for problem in item.problems]
    if problems:
        raise SpecError(problems)


def _states(contents: dict[str, bytes], rows: dict[str, ledger.Row]) -> tuple[FileState, ...]:
    states = [_state(path, checksum(data), rows.get(path)) for path, data in contents.items()]
    gone = [
        FileState(path, "missing", "", row.checksum, "applied before; the file is gone or no longer listed")
        for path, row in rows.items()
        if path not in contents
    ]
    return tuple(states + gone)


def _state(path: str, now: str, row: ledger.Row | None) -> FileState:
    if row is None:
        return FileState(path, "pending", now)
    if row.state != "applied":
        note = f"stopped after {row.done or 0} statements: {row.error or 'interrupted'}"
        return FileState(path, "failed", now, row.checksum, note)
    return FileState(path, "applied" if row.checksum == now else "edited", now, row.checksum)


def _edited(connection: Connection, files: SchemaFiles, contents: dict[str, bytes], edited: list[FileState]) -> DevstackError:
    names = ", ".join(state.path for state in edited)
    details = []
    for state in edited:
        text = f"applied  {state.applied_checksum}\nnow      {state.checksum}"
        before = ledger.body(connection, state.path)
        if before is not None:
            text += "\n" + _diff(state.path, before, source.decode(contents[state.path], state.path))
        details.append((state.path, text))
    details.append(("state", f"nothing was applied to {files.place}"))
    return DevstackError(
        f"{names} {'was' if len(edited) == 1 else 'were'} edited after being applied to {files.place}",
        details=details,
        hints=[
            "undo the edit, and put the change into a new file",
            "or, where the data does not matter: devstack reset",
        ],
        code="schema-edited",
    )


def _diff(path: str, before: str, now: str) -> str:
    lines = list(
        difflib.unified_diff(before.splitlines(), now.splitlines(), f"{path} (applied)", f"{path} (now)", lineterm="", n=2)
    )
    if len(lines) > _DIFF_LINES:
        lines = [*lines[:_DIFF_LINES], f"… {len(lines) - _DIFF_LINES} more lines"]
    return "\n".join(lines)


def _check_resume(connection: Connection, parsed: Script, path: str) -> None:
    """A half-run file goes on where it stopped, so what has run must still stand in it unchanged."""
    row = ledger.read(connection).get(path)
    if row is None or not row.done:
        return
    before = ledger.body(connection, path)
    if before is None:
        return
    old = scanner.parse(before.encode(), path)
    ran = [source.without_comments(old.slice(statement)) for statement in old.statements[: row.done]]
    now = [source.without_comments(parsed.slice(statement)) for statement in parsed.statements[: row.done]]
    if ran != now:
        raise DevstackError(
            f"{path}: one of its first {row.done} statements was edited, and those have run already",
            hints=["put them back as they were and change only what comes after, or: devstack reset"],
            code="schema-edited",
        )
