"""The way back: files are taken back by their own `-- devstack: down` blocks, the last one first."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.database import files as on_disk
from devstack.database import ledger, scanner
from devstack.database.apply import APPLICATION, LOCK_WAIT, FileResult, OnFile, environment_of
from devstack.database.connection import Connection, connect
from devstack.database.files import Item, SchemaFiles
from devstack.database.outcome import StatementRefused
from devstack.database.run import run_file
from devstack.database.script import Script
from devstack.database.target import Target
from devstack.errors import DevstackError, SpecError
from devstack.words import counted

if TYPE_CHECKING:
    from devstack.database.psql_engine import Psql

_DROPS = re.compile(
    r"\bdrop\s+(?P<what>table|materialized\s+view|schema|type|sequence|database)\s+(?:if\s+exists\s+)?(?P<names>[^;]+?)"
    r"(?:\s+(?:cascade|restrict))?\s*(?:;|$)",
    re.IGNORECASE,
)
_COLUMN = re.compile(
    r"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?P<table>[^\s;]+)[^;]*?\bdrop\s+(?:column\s+)?(?:if\s+exists\s+)?"
    r"(?!constraint\b|default\b|not\b|expression\b|identity\b)(?P<column>[^\s,;]+)",
    re.IGNORECASE,
)
_EMPTIES = re.compile(r"\b(?:delete\s+from|truncate(?:\s+table)?)\s+(?:only\s+)?(?P<table>[^\s;,(]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """What going back means: the files in the order they are taken back, and in words what their data loses."""

    paths: tuple[str, ...]
    losses: tuple[str, ...]


def plan_down(target: Target, files: SchemaFiles, to: str) -> TakeBack:
    """The applied files after `to` ("" for all of them). Raises DevstackError when one of them has no way back."""
    items = on_disk.read(files)
    with connect(target, application_name=APPLICATION) as connection:
        rows = ledger.read(connection)
        back = _to_take_back(items, rows, to)
        _check(files, items, back)
        losses = [loss for path in back for loss in _losses(connection, _text(items[path]))]
    return TakeBack(paths=tuple(back), losses=tuple(dict.fromkeys(losses)))


def take_back(
    target: Target,
    files: SchemaFiles,
    to: str,
    *,
    on_file: OnFile,
    stop: Callable[[], bool] = lambda: False,
    psql: Psql | None = None,
) -> tuple[FileResult, ...]:
    """Run the down blocks, each in one transaction with the removal of its file's row in the ledger."""
    items = on_disk.read(files)
    run_id = uuid.uuid4().hex[:12]
    name = f"{APPLICATION} {run_id}"
    done: list[FileResult] = []
    with (
        connect(target, application_name=name, interrupted=stop) as connection,
        connect(target, application_name=name, interrupted=stop) as watchman,
        ledger.lock(watchman, wait=LOCK_WAIT, on_wait=lambda text: on_file("", "waiting", text), stop=stop),
    ):
        back = _to_take_back(items, ledger.read(connection), to)
        _check(files, items, back)
        scripts = {path: _script(connection, files, items[path], psql) for path in back}
        on_disk.raise_problems(list(scripts.values()))
        for path, script in scripts.items():
            if isinstance(script, Script):
                seconds = _run(connection, files, items[path], script, run_id, on_file, psql, len(back) - len(done) - 1)
                done.append(FileResult(path, seconds))
    return tuple(done)


def _run(
    connection: Connection,
    files: SchemaFiles,
    item: Item,
    script: Script,
    run_id: str,
    on_file: OnFile,
    psql: Psql | None,
    left: int,
) -> float:
    started = time.monotonic()
    on_file(item.path, "running")
    connection.on_notice = lambda notice: on_file(item.path, "notice", f"{notice.severity}: {notice.message}")
    entry = ledger.Entry(
        path=item.path, position=item.position, checksum=item.checksum, body="", run_id=run_id, kind=item.kind, forget=True
    )
    state = f"{files.place} still has {item.path}; {left} more to take back."
    if not script.transactional:
        raise DevstackError(
            f"{item.path}: its down block cannot run in one transaction ({script.why})",
            hints=["run it by hand in `devstack db-shell`, then: devstack schema repair --forget " + item.path],
            code="schema-down",
        )
    environment = environment_of(connection, files, lambda text: on_file(item.path, "notice", text), psql)
    run_file(connection, script, entry, lambda rolled_back: state, environment=environment)
    seconds = time.monotonic() - started
    on_file(item.path, "applied", f"taken back in {seconds:.1f} s")
    return seconds


def _to_take_back(items: dict[str, Item], rows: dict[str, ledger.Row], to: str) -> list[str]:
    last = items[to].position if to else -1
    there = [item for item in items.values() if item.kind == "versioned" and item.path in rows and item.position > last]
    return [item.path for item in sorted(there, key=lambda item: -item.position)]


def _check(files: SchemaFiles, items: dict[str, Item], back: Sequence[str]) -> None:
    without = [path for path in back if items[path].down is None]
    if without:
        raise DevstackError(
            f"{', '.join(without)} {'has' if len(without) == 1 else 'have'} no way back",
            details=[("state", f"nothing was changed in {files.place}")],
            hints=[
                "write what takes it back at the file's end, below a line `-- devstack: down`",
                "or, where the data does not matter: devstack reset",
            ],
            code="schema-down",
        )


def _script(connection: Connection, files: SchemaFiles, item: Item, psql: Psql | None) -> Script | SpecError:
    try:
        return scanner.parse(item.down or b"", item.path, environment=environment_of(connection, files, lambda text: None, psql))
    except SpecError as error:
        return error


def _text(item: Item) -> str:
    text = (item.down or b"").decode(errors="replace")
    return re.sub(r"--[^\n]*", " ", text)


def _losses(connection: Connection, text: str) -> list[str]:
    """What the statements remove, as far as it can be read from them, with the rows that tables have now."""
    found = []
    for match in _DROPS.finditer(text):
        what = " ".join(match["what"].lower().split())
        for name in match["names"].split(","):
            found.append(f"{what} {name.strip()}" + (_rows(connection, name.strip()) if what != "type" else ""))
    found += [
        f"column {match['column']} of {match['table']}{_rows(connection, match['table'])}" for match in _COLUMN.finditer(text)
    ]
    found += [f"rows of {match['table']}{_rows(connection, match['table'])}" for match in _EMPTIES.finditer(text)]
    return found


def _rows(connection: Connection, name: str) -> str:
    """How many rows a table has, " (12 rows)"; "" when it cannot be counted."""
    try:
        if connection.rows("SELECT to_regclass(%s) IS NULL", (name,))[0][0]:
            return ""
        oid = connection.rows("SELECT to_regclass(%s)::regclass::text", (name,))[0][0]
        count = connection.rows(f"SELECT count(*) FROM {oid}")[0][0]  # noqa: S608 - a name as the server itself quotes it
    except StatementRefused:
        return ""  # the losses are for reading; what cannot be counted is named without a number
    return f" ({counted(count, 'row')})"
