"""Runs one SQL file: whole, in one transaction with its ledger row; or statement by statement where it has to be."""

from __future__ import annotations

import re
import time

from devstack.database import ledger, steps
from devstack.database.connection import Connection
from devstack.database.environment import Environment
from devstack.database.fault import sql_error
from devstack.database.ledger import Entry
from devstack.database.outcome import ConnectionLost, Fault
from devstack.database.run_state import State
from devstack.database.script import Say, Script, Segment
from devstack.database.sending import AFTERWARDS, OWN_SESSION, Failure, send, timed_out
from devstack.errors import DevstackError, SqlError

_MAKES_ROUTINE = re.compile(r"\b(?:function|procedure)\b", re.IGNORECASE)
_LOOKED_THROUGH = 100_000


def run_file(
    connection: Connection, script: Script, entry: Entry, state: State, *, environment: Environment | None = None
) -> float:
    """Run the script and record it; seconds it took.

    Raises SqlError. A transactional script has then left nothing behind; another one keeps the statements before the one that
    failed, and the next run goes on there. `environment` is the one that the script was read in.
    """
    environment = environment or Environment()
    started = time.monotonic()
    connection.until(started + script.timeout if script.timeout is not None else None)
    try:
        if script.engine == "psql":
            from devstack.database import psql_engine  # few files need it

            psql_engine.run_script(connection, script, entry, state, environment)
        elif script.transactional:
            _run_whole(connection, script, entry, state, environment)
        else:
            failure = steps.run_statements(connection, script, entry, environment)
            if failure is not None:
                raise _failed(connection, script, failure, state(False))
    except ConnectionLost as error:
        error.hints = (
            *error.hints,
            f"whether {script.name} was applied stands in the database itself: devstack up goes on from there",
        )
        raise
    finally:
        connection.until(None)
    return time.monotonic() - started


def _run_whole(connection: Connection, script: Script, entry: Entry, state: State, environment: Environment) -> None:
    """One transaction: as many messages as the script has segments, the last of them with the ledger's row and the COMMIT."""
    begin = ["BEGIN"]
    if script.lock_timeout is not None:
        begin.append(f"SET LOCAL lock_timeout = {round(script.lock_timeout * 1000)}")
    try:
        failure = _send_all(connection, script, entry, environment, begin)
    except ConnectionLost:
        raise
    except BaseException:
        _roll_back(connection)
        raise
    if failure is not None:
        _roll_back(connection)
        raise _failed(connection, script, failure, state(True))


def _send_all(connection: Connection, script: Script, entry: Entry, environment: Environment, begin: list[str]) -> Failure | None:
    row = ledger.insert(connection, entry, state="applied", milliseconds=ledger.SINCE_BEGIN, statements=len(script.statements))
    ending = f"\n;{OWN_SESSION}{row}; COMMIT; {AFTERWARDS}"
    segments = script.segments
    for item in script.items:
        if isinstance(item, Say):
            environment.say(item.text)
        elif isinstance(item, Segment):
            one_message = item is segments[-1] and _goes_with_the_row(item)
            failure = send(connection, item, before=begin, suffix=ending if one_message else "")
            if failure is not None:
                return failure
            if one_message:
                return None
            begin = []
    if not begin and not connection.in_transaction:
        raise SqlError(f"{script.name}: the file ended devstack's transaction; what it did is committed and not recorded")
    # A COPY's data come between its message and this one; a script without any statement has only this one.
    if connection.encoding != "UTF8" and (fault := connection.run("RESET client_encoding")) is not None:
        return Failure(fault, None)
    fault = connection.run("; ".join([*begin, ending.removeprefix("\n;")]))
    return Failure(fault, None) if fault is not None else None


def _goes_with_the_row(segment: Segment) -> bool:
    """Whether the ledger's row can follow in the segment's own message.

    Not after COPY data, nor in a large one; not where an open end would run into it; and not with a function, whose body the
    server looks up in the message to place an error in it: the row has the file's text and with it the body a second time.
    """
    if segment.copy is not None or segment.data is not None or not segment.statements[-1].closed:
        return False
    if segment.end - segment.start > _LOOKED_THROUGH:
        return False
    return _MAKES_ROUTINE.search(segment.source.text, segment.start, segment.end) is None


def _roll_back(connection: Connection) -> None:
    try:
        connection.run("ROLLBACK" if connection.in_transaction else "SELECT 1")
        connection.run(OWN_SESSION + AFTERWARDS)
    except DevstackError:
        return  # the session is gone, and its transaction with it


def _failed(connection: Connection, script: Script, failure: Failure, state: str) -> SqlError:
    fault = timed_out(script, failure.fault)
    return _with_blockers(connection, sql_error(script, fault, failure.place, state), fault)


def _with_blockers(connection: Connection, error: SqlError, fault: Fault) -> SqlError:
    if fault.sqlstate == "55P03":
        who = ledger.others(connection)
        if who:
            error.details = (*error.details, ("held by", who))
        error.hints = (*error.hints, "end the session that holds the lock, for example an open db-shell, and run devstack up again")
    return error
