"""Putting the ledger right by hand: a baseline, an edit that is accepted, a file that is forgotten. The database itself is not touched."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from devstack.database import files as on_disk
from devstack.database import ledger, source
from devstack.database.apply import APPLICATION, LOCK_WAIT
from devstack.database.connection import Connection, connect
from devstack.database.files import Item, SchemaFiles
from devstack.database.states import FileState, compare, tokens_of
from devstack.database.target import Target
from devstack.errors import DevstackError


@dataclass(frozen=True, slots=True)
class Amended:
    """What was done to one row: "recorded" as it is now, "forgotten"."""

    path: str
    what: str
    before: str


def baseline(target: Target, files: SchemaFiles, to: str = "") -> tuple[Amended, ...]:
    """Record files as applied without running them, up to `to` ("" for all): the database has what they make. Seeds too.

    Raises DevstackError when something is recorded already.
    """
    items = on_disk.read(files)
    with _alone(target) as ground:
        states = compare(files, items, ledger.read(ground.connection))
        last = items[to].position if to else len(items)
        chosen = [state for state in states if state.path in items and _is_new(state) and items[state.path].position <= last]
        if len(chosen) < sum(1 for item in items.values() if item.kind != "external" and item.position <= last):
            raise DevstackError(
                f"{files.place} has a history already: a baseline is for a database that devstack has applied nothing to",
                hints=["devstack schema status", "devstack schema repair FILE   (records one file as it is)"],
                code="schema-baseline",
            )
        ledger.create(ground.connection)
        for state in chosen:
            ledger.write(ground.connection, _entry(items[state.path], ground.run_id, "baseline"))
    return tuple(Amended(state.path, "recorded", state.state) for state in chosen)


def _is_new(state: FileState) -> bool:
    return state.state in ("pending", "out-of-order") and state.kind != "external" and not state.applied_checksum


def repair(target: Target, files: SchemaFiles, paths: Sequence[str], *, forget: bool = False) -> tuple[Amended, ...]:
    """Record the named files as they are now; with `forget`, and for files that are gone, take their rows away.

    Raises DevstackError for a name that neither the files nor the ledger know, or one whose repair would be a guess.
    """
    items = on_disk.read(files)
    with _alone(target) as ground:
        ledger.create(ground.connection)
        states = {state.path: state for state in compare(files, items, ledger.read(ground.connection))}
        chosen = [_named(states, path) for path in paths]
        _check(chosen, forget)
        done = []
        for state in chosen:
            gone = forget or state.state == "missing"
            if gone:
                ground.connection.rows(ledger.forget_sql(ground.connection, state.path))
            else:
                item = items[state.path]
                ledger.write(ground.connection, _entry(item, ground.run_id, item.kind))
            done.append(Amended(state.path, "forgotten" if gone else "recorded", state.state))
    return tuple(done)


def _named(states: dict[str, FileState], path: str) -> FileState:
    found = [state for name, state in states.items() if path == name] or [
        state for name, state in states.items() if name.rsplit("/", 1)[-1] == path.rsplit("/", 1)[-1]
    ]
    if len(found) == 1:
        return found[0]
    raise DevstackError(
        f"{path} is known neither from the files nor from the ledger" if not found else f"{path} means several files",
        hints=["devstack schema status --all"],
        code="schema-repair",
    )


def _check(chosen: Sequence[FileState], forget: bool) -> None:
    for state in chosen:
        if state.state == "failed" and not forget:
            raise DevstackError(
                f"{state.path} {state.note}; whether the rest of it is in the database only you know",
                hints=[
                    "devstack schema apply   (goes on at the statement that failed)",
                    f"devstack schema repair --forget {state.path}   (the next apply runs it from its start)",
                ],
                code="schema-repair",
            )
        if forget and not state.applied_checksum:
            raise DevstackError(f"{state.path} is not in the ledger", hints=["devstack schema status"], code="schema-repair")


def _entry(item: Item, run_id: str, kind: str) -> ledger.Entry:
    body = source.decode(item.data, item.path) if item.is_sql else ""
    return ledger.Entry(
        path=item.path,
        kind=kind,
        position=item.position,
        checksum=item.checksum,
        tokens=tokens_of(item),
        body=body,
        run_id=run_id,
    )


@dataclass(frozen=True, slots=True)
class _Ground:
    connection: Connection
    run_id: str


@contextmanager
def _alone(target: Target) -> Iterator[_Ground]:
    """A session, with the schema's lock held beside it."""
    run_id = uuid.uuid4().hex[:12]
    name = f"{APPLICATION} {run_id}"
    with (
        connect(target, application_name=name) as connection,
        connect(target, application_name=name) as watchman,
        ledger.lock(watchman, wait=LOCK_WAIT, on_wait=lambda text: None, stop=lambda: False),
    ):
        yield _Ground(connection, run_id)
