"""One message to the server: a segment of a script, the data of its COPY, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from devstack.database.connection import Connection
from devstack.database.fault import Place, place_of
from devstack.database.outcome import CopyIn, Fault
from devstack.database.script import Script, Segment

_CHUNK = 1 << 18
OWN_SESSION = "RESET SESSION AUTHORIZATION; RESET ALL; "
"""A script may have changed role, search_path and more; the ledger row is written as ourselves."""
AFTERWARDS = "DEALLOCATE ALL; UNLISTEN *; CLOSE ALL; DISCARD TEMP; DISCARD SEQUENCES; SELECT pg_catalog.pg_advisory_unlock_all()"
"""What one file leaves in the session must not be seen by the next."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What stopped a script, and where it stands; no place when it was no statement of the script."""

    fault: Fault
    place: Place | None


def send(connection: Connection, segment: Segment, *, before: Sequence[str] = (), suffix: str = "") -> Failure | None:
    """Send a segment as one message, between statements of ours.

    A fault in the suffix has a place only when it is of the script's making: a constraint that was checked no earlier.
    """
    prefix = "".join(f"{statement};" for statement in before)
    results = -len(before)
    failure = None
    message = segment.message
    for outcome in connection.script(prefix + message + suffix):
        if isinstance(outcome, CopyIn):
            connection.copy(_data(segment))
        elif isinstance(outcome, Fault):
            failure = _failure(segment, outcome, results, len(prefix), len(prefix) + len(message))
        else:
            results += 1
    return failure


def _failure(segment: Segment, fault: Fault, results: int, begin: int, end: int) -> Failure:
    inside = fault.position <= end + 1 if fault.position is not None else results < len(segment.statements)
    if not inside:
        return Failure(replace(fault, position=None), None)
    return Failure(fault, place_of(segment, fault, max(0, results), begin))


def _data(segment: Segment) -> Iterator[bytes]:
    if segment.data is not None:
        yield from _lines_of(segment.data[0])
        return
    start, end = segment.copy or (0, 0)
    for position in range(start, end, _CHUNK):
        yield segment.source.text[position : min(end, position + _CHUNK)].encode()


def _lines_of(path: Path) -> Iterator[bytes]:
    """The file as COPY data: without byte order mark. CRLF is the server's to understand, as it is in psql."""
    with path.open("rb") as file:
        first = file.read(_CHUNK).removeprefix(b"\xef\xbb\xbf")
        while first:
            yield first
            first = file.read(_CHUNK)


def timed_out(script: Script, fault: Fault) -> Fault:
    """A cancelled statement says so when it was the file's own timeout that cancelled it."""
    if fault.sqlstate != "57014" or script.timeout is None or "user request" not in fault.message:
        return fault
    return replace(fault, message=f"the file's timeout of {script.timeout:g} s passed here", hint="raise timeout= in its header")
