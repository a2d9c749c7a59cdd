"""Runs one SQL file: whole, in one transaction with its ledger row; or statement by statement where it asks for that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from devstack.database import ledger
from devstack.database.connection import Connection
from devstack.database.fault import Place, place_of, sql_error
from devstack.database.ledger import Entry
from devstack.database.outcome import ConnectionLost, CopyIn, Fault
from devstack.database.script import Script, Segment, Statement
from devstack.errors import DevstackError, SqlError

_BEGIN = "BEGIN;"
_CHUNK = 1 << 18
_OWN_SESSION = "RESET SESSION AUTHORIZATION; RESET ALL; "
"""A script may have changed role, search_path and more; the ledger row is written as ourselves."""
_AFTERWARDS = "DEALLOCATE ALL; UNLISTEN *; DISCARD TEMP"
"""What one file leaves in the session must not be seen by the next."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The first statement that failed: how many of the script's statements had completed, and where it stands."""

    fault: Fault
    place: Place
    completed: int


State = Callable[[bool], str]
"""Says in one line what the database is like; True: this file was rolled back."""


def run_file(connection: Connection, script: Script, entry: Entry, state: State) -> float:
    """Run the script and record it; seconds it took. Raises SqlError, after which the database is as it was before the file."""
    if not script.transactional:
        return _run_statements(connection, script, entry, state)
    started = time.monotonic()
    try:
        failure = _run_whole(connection, script)
        if failure is None:
            fault = _record(connection, script, entry, started)
            if fault is not None:
                raise sql_error(script, fault, None, state(True))
    except ConnectionLost as error:
        error.hints = (
            *error.hints,
            f"whether {script.name} was applied stands in the database itself: devstack up goes on from there",
        )
        raise
    except BaseException:
        _roll_back(connection)
        raise
    if failure is not None:
        _roll_back(connection)
        raise _with_blockers(connection, sql_error(script, failure.fault, failure.place, state(True)), failure.fault)
    return time.monotonic() - started


def _run_whole(connection: Connection, script: Script) -> Failure | None:
    completed = 0
    if not script.segments:
        connection.run(_BEGIN)
    for number, segment in enumerate(script.segments):
        failure = _send(connection, script, segment, _BEGIN if number == 0 else "", completed)
        if failure is not None:
            return failure
        completed += len(segment.statements)
    if not connection.in_transaction:
        raise SqlError(f"{script.name}: the file ended devstack's transaction; what it did is committed and not recorded")
    return None


def _send(connection: Connection, script: Script, segment: Segment, prefix: str, before: int) -> Failure | None:
    """One message: a segment's statements, and the data of the COPY that ends it."""
    results = -1 if prefix else 0
    failure = None
    for outcome in connection.script(prefix + script.text[segment.start : segment.end]):
        if isinstance(outcome, CopyIn):
            connection.copy(_copy_data(script, segment))
        elif isinstance(outcome, Fault):
            done = max(0, results)
            failure = Failure(outcome, place_of(script, segment, outcome, done, len(prefix)), before + done)
        else:
            results += 1
    return failure


def _copy_data(script: Script, segment: Segment) -> Iterator[bytes]:
    start, end = segment.copy or (0, 0)
    for position in range(start, end, _CHUNK):
        yield script.text[position : min(end, position + _CHUNK)].encode()


def _record(connection: Connection, script: Script, entry: Entry, started: float) -> Fault | None:
    """Write the row and commit, in one message. A deferred constraint speaks up here, at the commit."""
    if connection.encoding != "UTF8":
        fault = connection.run("RESET client_encoding")
        if fault is not None:
            return fault
    milliseconds = round((time.monotonic() - started) * 1000)
    row = ledger.insert(connection, entry, state="applied", milliseconds=milliseconds, statements=len(script.statements))
    return connection.run(f"{_OWN_SESSION}{row}; COMMIT; {_AFTERWARDS}")


def _roll_back(connection: Connection) -> None:
    try:
        connection.run("ROLLBACK" if connection.in_transaction else "SELECT 1")
        connection.run(_OWN_SESSION + _AFTERWARDS)
    except DevstackError:
        return  # the session is gone, and its transaction with it


def _run_statements(connection: Connection, script: Script, entry: Entry, state: State) -> float:
    """Each statement on its own, progress in the ledger, so that the next run goes on at the one that failed."""
    started = time.monotonic()
    statements = [(segment, statement) for segment in script.segments for statement in segment.statements]
    begin = ledger.insert(connection, entry, state="running", milliseconds=None, statements=len(statements))
    connection.rows(begin)
    done = ledger.read(connection)[entry.path].done or 0
    for number, (segment, statement) in enumerate(statements[done:], done):
        alone = _alone(segment, statement)
        failure = _send(connection, script, alone, "", number)
        if failure is not None:
            connection.run(_OWN_SESSION)
            ledger.failed(connection, entry.path, failure.fault.sqlstate, failure.fault.message)
            raise _with_blockers(connection, sql_error(script, failure.fault, failure.place, state(False)), failure.fault)
        ledger.progress(connection, entry.path, number + 1)
    connection.run(_OWN_SESSION)
    milliseconds = round((time.monotonic() - started) * 1000)
    connection.rows(ledger.insert(connection, entry, state="applied", milliseconds=milliseconds, statements=len(statements)))
    connection.run(_AFTERWARDS)
    return time.monotonic() - started


def _alone(segment: Segment, statement: Statement) -> Segment:
    copy = segment.copy if statement is segment.statements[-1] else None
    return Segment(statement.head, statement.end, (statement,), copy)


def _with_blockers(connection: Connection, error: SqlError, fault: Fault) -> SqlError:
    if fault.sqlstate == "55P03":
        who = ledger.others(connection)
        if who:
            error.details = (*error.details, ("held by", who))
        error.hints = (*error.hints, "end the session that holds the lock, for example an open db-shell, and run devstack up again")
    return error
