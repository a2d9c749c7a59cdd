"""What has been applied: the table devstack.schema_history in the database itself, and the lock that lets one apply at a time.

A file's row is written in the transaction that runs the file, so the row is there exactly when the file's changes are. The ledger
is a set: each file stands for itself, there is no high-water mark.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from devstack import __version__
from devstack.database.connection import Connection
from devstack.database.outcome import StatementRefused
from devstack.errors import DatabaseError, Locked

_KINDS = "('role', 'versioned', 'repeatable', 'seed', 'baseline', 'external')"
_CREATE = f"""
CREATE SCHEMA IF NOT EXISTS devstack;
CREATE TABLE IF NOT EXISTS devstack.schema_history (
  path text PRIMARY KEY,
  kind text NOT NULL DEFAULT 'versioned' CHECK (kind IN {_KINDS}),
  position int NOT NULL,
  checksum text NOT NULL,
  tokens_checksum text,
  body text,
  state text NOT NULL CHECK (state IN ('applied', 'running', 'failed')),
  statements int,
  statements_done int,
  sqlstate text,
  error text,
  run_id text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  duration_ms int,
  applied_by text NOT NULL DEFAULT session_user,
  tool_version text NOT NULL
);
COMMENT ON SCHEMA devstack IS 'Which SQL files have been applied; written by devstack.'
"""
_UPGRADE = f"""
BEGIN;
ALTER TABLE devstack.schema_history ADD COLUMN IF NOT EXISTS tokens_checksum text;
ALTER TABLE devstack.schema_history DROP CONSTRAINT IF EXISTS schema_history_kind_check;
ALTER TABLE devstack.schema_history ADD CONSTRAINT schema_history_kind_check CHECK (kind IN {_KINDS});
COMMIT
"""
_IS_NEW = """
SELECT to_regclass('devstack.schema_history') IS NOT NULL, EXISTS (SELECT FROM pg_attribute
  WHERE attrelid = to_regclass('devstack.schema_history') AND attname = 'tokens_checksum' AND NOT attisdropped)
"""
_READ = """
SELECT path, checksum, state, statements_done, error, kind, {tokens}, statements, CASE kind WHEN 'external' THEN body END, position
FROM devstack.schema_history ORDER BY position, path
"""
_BODY_LIMIT = 1_000_000
SINCE_BEGIN = -1
"""For `insert`: the server counts the milliseconds itself, from the beginning of the transaction that it runs in."""
_COUNTED = "(extract(epoch FROM clock_timestamp() - transaction_timestamp()) * 1000)::int"
_LOCK = "hashtextextended('devstack:' || current_database(), 0)"
_HOLDER = f"""
SELECT a.pid, a.application_name, extract(epoch FROM now() - a.backend_start)::int
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((l.classid::bigint << 32) | l.objid::bigint) = {_LOCK} AND l.objsubid = 1
"""  # noqa: S608 - a constant of ours


@dataclass(frozen=True, slots=True)
class Row:
    """One file as the ledger remembers it. `done` of `statements` ran, for files outside a transaction; `head` is a tool's."""

    path: str
    checksum: str
    state: str
    done: int | None
    error: str | None
    kind: str = "versioned"
    tokens: str | None = None
    statements: int | None = None
    head: str | None = None
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is written for a file. With `forget` its row is taken away instead: its down block was run."""

    path: str
    position: int
    checksum: str
    body: str
    run_id: str
    kind: str = "versioned"
    tokens: str | None = None
    forget: bool = False


def read(connection: Connection) -> dict[str, Row]:
    """All rows by path; none when the database has no ledger yet. A ledger of an older devstack is read as it is."""
    there, current = connection.rows(_IS_NEW)[0]  # asked first: a refused SELECT would be an error in the server's log
    if not there:
        return {}
    return {row[0]: Row(*row) for row in connection.rows(_READ.format(tokens="tokens_checksum" if current else "NULL"))}


def body(connection: Connection, path: str) -> str | None:
    """The file's text as it was applied, when the ledger kept it."""
    found = connection.rows("SELECT body FROM devstack.schema_history WHERE path = %s", (path,))
    return found[0][0] if found else None


def create(connection: Connection) -> None:
    """Make the table where it is missing, and bring one of an older devstack up to date."""
    there, current = connection.rows(_IS_NEW)[0]
    if there and current:
        return
    fault = connection.run(_UPGRADE if there else _CREATE)
    if fault is not None:
        raise StatementRefused(fault)


def insert(connection: Connection, entry: Entry, *, state: str, milliseconds: int | None, statements: int) -> str:
    """The statement that writes a file's row; run it inside the file's transaction."""
    if entry.forget:
        return forget_sql(connection, entry.path)
    done = statements if state == "applied" else 0
    text = entry.body if len(entry.body) <= _BODY_LIMIT else None
    values = (
        entry.path, entry.kind, entry.position, entry.checksum, entry.tokens, text, state, statements, done, entry.run_id, __version__,
    )  # fmt: skip
    taken = _COUNTED if milliseconds == SINCE_BEGIN else connection.literal(milliseconds)
    return (
        "INSERT INTO devstack.schema_history AS h (path, kind, position, checksum, tokens_checksum, body, state, statements, "  # noqa: S608
        f"statements_done, run_id, tool_version, duration_ms) VALUES ({', '.join(connection.literal(v) for v in values)}, {taken}) "
        "ON CONFLICT (path) DO UPDATE SET kind = excluded.kind, position = excluded.position, checksum = excluded.checksum, "
        "tokens_checksum = excluded.tokens_checksum, body = excluded.body, state = excluded.state, statements = excluded.statements, "
        "run_id = excluded.run_id, tool_version = excluded.tool_version, started_at = now(), "
        "statements_done = CASE WHEN h.state = 'applied' THEN excluded.statements_done "
        "ELSE greatest(h.statements_done, excluded.statements_done) END, "
        "duration_ms = excluded.duration_ms, sqlstate = NULL, error = NULL"
    )


def write(connection: Connection, entry: Entry) -> None:
    """Write a row for something that was not run as a file here: a baseline, a tool's head, an edit that is accepted."""
    connection.rows(insert(connection, entry, state="applied", milliseconds=None, statements=0))


def forget_sql(connection: Connection, path: str) -> str:
    """The statement that takes a file's row away."""
    return f"DELETE FROM devstack.schema_history WHERE path = {connection.literal(path)}"  # noqa: S608


def progress(connection: Connection, path: str, done: int) -> None:
    """Remember that `done` statements of a file outside a transaction have run."""
    connection.rows(progress_sql(connection, path, done))


def progress_sql(connection: Connection, path: str, done: int) -> str:
    """The statement behind `progress`, to be sent in the transaction of what it counts."""
    return f"UPDATE devstack.schema_history SET statements_done = {done} WHERE path = {connection.literal(path)}"  # noqa: S608


def failed(connection: Connection, path: str, sqlstate: str, message: str) -> None:
    """Remember why a file outside a transaction stopped."""
    connection.rows(
        "UPDATE devstack.schema_history SET state = 'failed', sqlstate = %s, error = %s WHERE path = %s", (sqlstate, message, path)
    )


@contextmanager
def lock(connection: Connection, *, wait: float, on_wait: Callable[[str], None], stop: Callable[[], bool]) -> Iterator[None]:
    """Hold the database's schema lock. The connection must be one of its own, in autocommit, and is used for nothing else.

    It is polled, because a session that blocks on it would hold up CREATE INDEX CONCURRENTLY in the session that has it. The server
    frees it when the client dies. Raises Locked after `wait` seconds, naming the holder.
    """
    end = time.monotonic() + wait
    pause = 0.05
    said = False
    while not connection.rows(f"SELECT pg_try_advisory_lock({_LOCK})")[0][0]:
        who = holder(connection)
        if who and not said:
            on_wait(f"waiting for {who}")
            said = True
        if time.monotonic() >= end:
            raise Locked(
                f"the schema of {connection.target.database} is being changed by {who or 'another session'}",
                hints=["wait for it to end, or end it in db-shell: SELECT pg_terminate_backend(PID)"],
            )
        if stop():
            raise KeyboardInterrupt
        time.sleep(pause)
        pause = min(0.5, pause * 1.5)
    try:
        yield
    finally:
        _unlock(connection)


def _unlock(connection: Connection) -> None:
    try:
        connection.rows(f"SELECT pg_advisory_unlock({_LOCK})")
    except DatabaseError:
        return  # the session is gone, and its lock with it


def holder(connection: Connection) -> str:
    """Who has the lock now; "" when nobody has."""
    rows = connection.rows(_HOLDER)
    if not rows:
        return ""
    pid, application, age = rows[0]
    return f"{application or 'a session'} (server process {pid}, connected for {age} s)"


def others(connection: Connection) -> str:
    """The sessions that may hold a lock we waited for, one a line."""
    rows = connection.rows(
        "SELECT pid, application_name, state, extract(epoch FROM now() - xact_start)::int, left(query, 60) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 5"
    )
    return "\n".join(
        f"pid {pid} {name or '(no name)'}: {state} for {age} s: {' '.join(query.split())}" for pid, name, state, age, query in rows
    )
