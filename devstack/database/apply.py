"""Applying what is pending, in order, each file recorded in the transaction that runs it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from devstack.database import edits, external, ledger, scanner, source
from devstack.database import files as on_disk
from devstack.database.connection import Connection, connect
from devstack.database.creation import create_database
from devstack.database.environment import Environment
from devstack.database.files import Item, SchemaFiles
from devstack.database.outcome import DatabaseMissing
from devstack.database.run import run_file
from devstack.database.script import Script
from devstack.database.sow import sow
from devstack.database.states import CLEAN, TO_RUN, FileState, compare, tokens_of
from devstack.database.target import Target
from devstack.errors import DevstackError, SpecError

if TYPE_CHECKING:
    from devstack.database.psql_engine import Psql

APPLICATION = "devstack-schema"
LOCK_WAIT = 60.0
CONNECT_WAIT = 30.0

RunTool = Callable[[], None]
"""Runs the project's own tool to its end. Raises DevstackError when it fails."""


class OnFile(Protocol):
    """Told about each file. `state` is "running", "applied" (`text`: "0.1 s"), "notice" (the server's words) or "waiting"."""

    def __call__(self, path: str, state: str, text: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class FileResult:
    path: str
    seconds: float
    kind: str = "versioned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an apply did. `missing` are files that were applied once and are gone, `left` edited ones that were let pass.

    `head` is where the project's own `tool` left the database.
    """

    service: str
    database: str
    applied: tuple[FileResult, ...]
    unchanged: int
    missing: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    tool: str = ""
    head: str = ""
    created_database: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an apply is asked to do. `to` is the last versioned file to run; nothing after it is run, repeatables and seeds neither.

    `may_pass` is asked about edited files where the policy says so: True leaves them as they are and goes on. `psql` runs what only
    psql can.
    """

    seeds: bool = True
    to: str = ""
    run_tool: RunTool | None = None
    may_pass: Callable[[tuple[str, ...]], bool] = lambda paths: False
    psql: Psql | None = None


def apply(
    target: Target,
    files: SchemaFiles,
    *,
    wish: Wish | None = None,
    on_file: OnFile = lambda path, state, text="": None,
    deadline: float | None = None,
    stop: Callable[[], bool] = lambda: False,
    gone: Callable[[], bool] = lambda: False,
) -> Applied:
    """Apply what is pending, one transaction a file, in order. The database is made when the server does not have it.

    A server that is only starting is waited for until `deadline` (`time.monotonic()`, default 30 s from now) or `gone`. `stop` is asked
    several times a second; True cancels on the server as Ctrl-C does. Raises SpecError for files that cannot be run, DevstackError
    "schema-edited" and "schema-out-of-order", SqlError, DatabaseError.
    """
    deadline = time.monotonic() + CONNECT_WAIT if deadline is None else deadline
    items = on_disk.read(files)
    run_id = uuid.uuid4().hex[:12]
    connection, created = _open(target, f"{APPLICATION} {run_id}", deadline, stop, gone)
    with connection:
        step = Step(connection, files, items, wish or Wish(), on_file, run_id)
        if not step.look():
            return step.result(created)
        with (
            connect(target, application_name=f"{APPLICATION} {run_id}", interrupted=stop) as watchman,
            ledger.lock(watchman, wait=LOCK_WAIT, on_wait=lambda text: on_file("", "waiting", text), stop=stop),
        ):
            step.look()
            step.run()
        return step.result(created)


class Step:
    """One apply: what is known before, what was done so far."""

    def __init__(
        self, connection: Connection, files: SchemaFiles, items: dict[str, Item], wish: Wish, on_file: OnFile, run_id: str
    ) -> None:
        self.connection = connection
        self.files = files
        self.items = items
        self.wish = wish
        self.on_file = on_file
        self.run_id = run_id
        self.states: tuple[FileState, ...] = ()
        self.done: list[FileResult] = []
        self.left: tuple[str, ...] = ()
        self.head = ""

    @property
    def pending(self) -> list[str]:
        """What is to be run, in order."""
        return [state.path for state in self.states if state.state in TO_RUN and self.is_wanted(state)]

    def is_wanted(self, state: FileState) -> bool:
        if state.kind == "seed" and not self.wish.seeds:
            return False
        if not self.wish.to:
            return True
        return state.kind in ("role", "versioned") and self.items[state.path].position <= self.items[self.wish.to].position

    def look(self) -> bool:
        """Compare with the ledger; whether anything is to be done. Raises when an applied file was edited."""
        self.states = compare(self.files, self.items, ledger.read(self.connection))
        self.head = next((state.head for state in self.states if state.kind == "external"), "")
        edited = [state for state in self.states if state.state == "edited"]
        if edited and not self.lets_pass(edited):
            raise edits.edited(self.connection, self.files, self.items, edited)
        late = [state for state in self.states if state.state == "out-of-order"]
        if late and self.files.out_of_order == "error":
            raise edits.out_of_order(self.files, late)
        return bool(self.pending)

    def lets_pass(self, edited: list[FileState]) -> bool:
        paths = tuple(state.path for state in edited)
        if paths == self.left:
            return True
        passes = self.files.edited == "warn" or (self.files.edited == "ask" and self.wish.may_pass(paths))
        if passes:
            self.left = paths
            for path in paths:
                self.on_file(path, "notice", "edited after it was applied; what it says now is not what the database has")
        return passes

    def run(self) -> None:
        todo = [self.items[path] for path in self.pending]
        if not todo:
            return
        scripts = [self.read(item) for item in todo]  # every file is checked before the first is run
        on_disk.raise_problems(scripts)
        ledger.create(self.connection)
        for item, found in zip(todo, scripts, strict=True):
            started = time.monotonic()
            self.connection.on_notice = lambda notice, path=item.path: self.on_file(
                path, "notice", f"{notice.severity}: {notice.message}"
            )
            self.on_file(item.path, "running")
            if item.kind == "external":
                self.run_tool(item)
            elif isinstance(found, Script):
                self.run_script(item, found)
            else:
                sow(self.connection, item, self.entry(item, ""))
            self.done.append(FileResult(item.path, time.monotonic() - started, item.kind))
            self.on_file(item.path, "applied", f"{self.done[-1].seconds:.1f} s")

    def read(self, item: Item) -> Script | SpecError | None:
        if not item.is_sql:
            return None
        try:
            return scanner.parse(item.up, item.path, environment=self.environment(item))
        except SpecError as error:
            return error

    def run_script(self, item: Item, parsed: Script) -> None:
        # Its text is kept with the down block, which is not in what is run.
        entry = self.entry(item, source.decode(item.data, item.path))
        if not parsed.transactional:
            edits.check_resume(self.connection, parsed, item.path, self.environment(item))
        run_file(self.connection, parsed, entry, self.state_line, environment=self.environment(item))

    def environment(self, item: Item) -> Environment:
        """What this file's script may reach."""
        return environment_of(self.connection, self.files, lambda text: self.on_file(item.path, "notice", text), self.wish.psql)

    def run_tool(self, item: Item) -> None:
        assert self.files.tool is not None
        if self.wish.run_tool is None:
            raise AssertionError("a schema with a tool needs run_tool")
        self.wish.run_tool()
        self.head = external.head(self.connection, self.files.tool.name)
        ledger.write(self.connection, self.entry(item, self.head))

    def entry(self, item: Item, body: str) -> ledger.Entry:
        return ledger.Entry(
            path=item.path,
            kind=item.kind,
            position=item.position,
            checksum=item.checksum,
            tokens=tokens_of(item),
            body=body,
            run_id=self.run_id,
        )

    def state_line(self, rolled_back: bool) -> str:
        left = len(self.pending) - len(self.done) - 1
        applied = sum(state.state in CLEAN for state in self.states) + len(self.done)
        counts = f"{applied} applied, 1 failed, {left} pending."
        if rolled_back:
            return f"{self.files.place} is as it was before this file: {counts}"
        return f"{self.files.place} keeps the statements before this one; the next apply goes on here: {counts}"

    def result(self, created: bool) -> Applied:
        return Applied(
            service=self.files.service,
            database=self.files.database,
            applied=tuple(self.done),
            unchanged=sum(state.state in CLEAN for state in self.states),
            missing=tuple(state.path for state in self.states if state.state == "missing"),
            left=self.left,
            tool=self.files.tool.name if self.files.tool else "",
            head=self.head,
            created_database=created,
        )


def _open(
    target: Target, name: str, deadline: float, stop: Callable[[], bool], gone: Callable[[], bool]
) -> tuple[Connection, bool]:
    try:
        return connect(target, application_name=name, deadline=deadline, interrupted=stop, gone=gone), False
    except DatabaseMissing:
        created = create_database(target, application_name=name, deadline=deadline)
        return connect(target, application_name=name, deadline=deadline, interrupted=stop), created


def environment_of(connection: Connection, files: SchemaFiles, say: Callable[[str], None], psql: Psql | None = None) -> Environment:
    """What a schema's scripts may reach: the project's files, the variables, other databases of the server as the same user."""
    target = connection.target
    return Environment(
        root=files.root,
        variables={"DBNAME": target.database, "USER": target.user, **files.variables},
        open_database=lambda name: connect(replace(target, database=name), application_name=APPLICATION),
        psql=psql,
        say=say,
        transaction=files.transaction,
    )


def resolve(files: SchemaFiles, items: dict[str, Item], wanted: str) -> str:
    """The versioned file that `--to` means: its path, its name, or the number its name begins with. Raises DevstackError."""
    versioned = [path for path, item in items.items() if item.kind == "versioned"]
    exact = [path for path in versioned if wanted in (path, path.rsplit("/", 1)[-1])]
    found = exact or [path for path in versioned if _version(path) == wanted or _version(path).lstrip("0") == wanted]
    found = found or [path for path in versioned if path.rsplit("/", 1)[-1].startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise DevstackError(f"{wanted} means several files: {', '.join(found)}", code="schema-version")
    hints = [f"the last ones are: {', '.join(versioned[-3:])}"] if versioned else []
    raise DevstackError(f"no file of {files.place} is called {wanted}", hints=hints, code="schema-version")


def _version(path: str) -> str:
    """The digits that a file's name begins with."""
    name = path.rsplit("/", 1)[-1]
    return name[: len(name) - len(name.lstrip("0123456789"))]
