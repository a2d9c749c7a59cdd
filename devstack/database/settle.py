"""A statement that may have run already, though nobody could note it: no transaction holds it and its progress together.

When a run was killed between the two, the next one meets its own work. Each statement that no transaction takes has an error by which
that shows.
"""

from __future__ import annotations

import re

from devstack.database import source
from devstack.database.connection import Connection
from devstack.database.outcome import Fault
from devstack.database.script import Segment
from devstack.database.sending import Failure, send

_ALREADY = (
    (re.compile(r"create database\b"), {"42P04"}),
    (re.compile(r"drop database\b"), {"3D000"}),
    (re.compile(r"create (?:tablespace|subscription)\b"), {"42710"}),
    (re.compile(r"drop (?:tablespace|subscription|index concurrently)\b"), {"42704"}),
    (re.compile(r"alter table .* detach partition\b"), {"42P01"}),
)
_CONCURRENT_INDEX = re.compile(r"create (?:unique )?index concurrently\b")
_DETACH = re.compile(r"alter table .* detach partition .* concurrently")
_INVALID = """
SELECT format('%%I.%%I', n.nspname, c.relname), i.indisvalid FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %s AND n.nspname = ANY (current_schemas(true))
"""


def settle(connection: Connection, segment: Segment, failure: Failure, *, killed: bool) -> Failure | None:
    """None when the statement's work is done now, by the run before or by finishing it; else the failure that stands.

    `killed`: the run before could not say how this statement ended. One that said it failed has left at most an invalid index.
    """
    text = source.without_comments(segment.message).lower().rstrip("; ")
    fault = failure.fault
    if killed and any(words.match(text) and fault.sqlstate in states for words, states in _ALREADY):
        return None if not (fault.sqlstate == "42P01" and "is not a partition" not in fault.message) else failure
    if _CONCURRENT_INDEX.match(text) and fault.sqlstate == "42P07":
        return _index(connection, segment, failure, killed=killed)
    if _DETACH.match(text) and fault.sqlstate == "55000" and "pending detach" in fault.message:
        finalize = re.sub(r"\bconcurrently\s*;?\s*$", "FINALIZE", segment.message, flags=re.IGNORECASE)
        return _after(connection.run(finalize), failure)
    return failure


def _index(connection: Connection, segment: Segment, failure: Failure, *, killed: bool) -> Failure | None:
    """An index that is there and valid is the one we made; an invalid one is what a killed build leaves, and is built anew."""
    named = re.search(r'relation "(.*)" already exists', failure.fault.message)
    found = connection.rows(_INVALID, (named.group(1),)) if named else []
    if not found:
        return failure
    name, valid = found[0]
    if valid:
        return None if killed else failure
    fault = connection.run(f"DROP INDEX CONCURRENTLY {name}")
    return _after(fault, failure) if fault is not None else send(connection, segment)


def _after(fault: Fault | None, failure: Failure) -> Failure | None:
    return None if fault is None else Failure(fault, failure.place)
