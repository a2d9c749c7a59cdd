"""From the server's error to the place in the file: line, column, excerpt, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devstack.database import bodies
from devstack.database.outcome import Fault
from devstack.database.script import Script, Segment, Statement
from devstack.database.source import Source
from devstack.errors import SqlError, Where

_COPY_LINE = re.compile(r'^COPY .*?, line (\d+)(?:, column [^:]+: "(.*)")?', re.MULTILINE)
_INLINE_LINE = re.compile(r"inline_code_block line (\d+)")
_QUOTED = re.compile(r'"([^"]+)"')
_UNKNOWN_NAME = {"42703", "42P01", "42704", "42883", "3F000", "42P02"}
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")
_LINES_ON = 20
_SHOWN_DATA = 64 << 20
"""Bytes of a data file up to which the line with the error is looked up to be shown."""

_HINTS = {
    "55P04": "a new enum value cannot be used in the transaction that adds it: put ADD VALUE in a file of its own before",
    "25001": 'a function or procedure that is called here does what no transaction may: put "-- devstack: transaction=none" on top',
    "2D000": 'a procedure that is called here ends the transaction: put "-- devstack: transaction=none" on top of the file',
    "42501": "the database's user may not do this; in the official images POSTGRES_USER is a superuser",
    "0A000": "the server may be older than the SQL: check the image's version",
}
_NO_EXTENSION = re.compile(r'extension "[^"]*" is not available|could not open extension control file')


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement failed. `position` counts characters of the source's text from 0; `exact` False: its statement's start."""

    source: Source
    position: int
    statement: Statement | None = None
    exact: bool = True


def place_of(segment: Segment, fault: Fault, completed: int, prefix: int) -> Place:
    """The place of a fault in a message made of `prefix` characters of ours and the segment.

    `completed` counts the segment's statements that had finished. The server gives a position for most errors; for the others the
    statement is known by counting, and COPY and DO say a line of their own.
    """
    statement = segment.statements[min(completed, len(segment.statements) - 1)]
    origin = segment.source
    if fault.position is not None:
        return Place(origin, segment.position(fault.position - 1 - prefix), statement)
    if statement is segment.statements[-1]:
        inside = _in_data(segment, fault.context)
        if inside is not None:
            return Place(*inside, statement)
    inline = _INLINE_LINE.search(fault.context)
    if inline is not None and origin.text[statement.head : statement.head + 2].lower() == "do":
        body = _DOLLAR.search(origin.text, statement.head, statement.end)
        if body is not None:
            return Place(origin, _line_from(origin.text, body.end(), int(inline.group(1))), statement)
    named = _only_mention(statement, fault)
    if named is not None:
        return Place(origin, named, statement)
    return Place(origin, statement.head, statement, exact=False)


def sql_error(script: Script, fault: Fault, place: Place | None, state: str) -> SqlError:
    """The error as a person sees it. `state` says what the database is like now."""
    where = place.source.where(place.position) if place else Where(script.name)
    details = [("", "\n".join(place.source.excerpt(place.position)))] if place else []
    included = place.source.included_from if place else ()
    if included:
        details.append(("included from", "\n".join(map(str, included))))
    details += [(label, text) for label, text in (("detail", fault.detail), ("context", _context(fault, place))) if text]
    details += [("in the function", str(found)) for found in [bodies.place_in_function(script, fault.context)] if found]
    details.append(("state", state))
    hints = [text for text in (fault.hint, _advice(fault, place)) if text] or [f"mend {where.file}, then devstack up"]
    return SqlError(fault.message, where=where, details=details, hints=hints, code=f"sql {fault.sqlstate}")


def _advice(fault: Fault, place: Place | None) -> str:
    if _NO_EXTENSION.search(fault.message):
        return "the image does not contain that extension: use one that does, for example pgvector/pgvector or postgis/postgis"
    if fault.sqlstate == "42601" and place is not None and place.source.text[place.position : place.position + 1] == ":":
        return "no such variable is set: declare it under schema.variables, or write \\set NAME VALUE before"
    return _HINTS.get(fault.sqlstate, "")


def _context(fault: Fault, place: Place | None) -> str:
    """The call stack inside the server, unless the place says it all."""
    if place is not None and place.exact and "\n" not in fault.context and "inline_code_block" in fault.context:
        return ""
    if fault.internal_query and fault.internal_query not in fault.context:
        return f"{fault.internal_query.strip()}\n{fault.context}".strip()
    return fault.context


def _only_mention(statement: Statement, fault: Fault) -> int | None:
    """Where the name stands that the server does not know, when the statement has it just once (CREATE INDEX, GRANT give no position)."""
    name = _QUOTED.search(fault.message)
    if name is None or fault.sqlstate not in _UNKNOWN_NAME or fault.context:
        return None
    word = re.compile(rf"(?<![\w$]){re.escape(name.group(1))}(?![\w$])", re.IGNORECASE)
    found = [match.start() for match in word.finditer(statement.source.text, statement.head, statement.end)]
    return found[0] if len(found) == 1 else None


def _in_data(segment: Segment, context: str) -> tuple[Source, int] | None:
    """The place in the data of the COPY that ends the segment, in the script or in a file of its own."""
    said = _COPY_LINE.search(context)
    if said is None:
        return None
    if segment.copy is not None:
        origin, start, end = segment.source, *segment.copy
    elif segment.data is not None:
        path, name = segment.data
        if path.stat().st_size > _SHOWN_DATA:
            return None
        origin = Source(name, path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n"), _from(segment))
        start, end = 0, len(origin.text)
    else:
        return None
    line = _line_from(origin.text, start, int(said.group(1)))
    if line >= end:
        return origin, max(start, end - 1)
    inside = _value(origin.text, said.group(2), line, end) if said.group(2) else -1
    return origin, inside if inside >= 0 else line


def _value(text: str, value: str, line: int, end: int) -> int:
    """Where the value stands in the line, or in one of those after it; -1 when in none.

    The server does not count line ends inside quotes before it has seen the first one outside.
    """
    for _ in range(_LINES_ON):
        line_end = text.find("\n", line, end)
        line_end = line_end if line_end >= 0 else end
        found = text.find(value, line, line_end)
        if found >= 0 or line_end >= end:
            return found
        line = line_end + 1
    return -1


def _from(segment: Segment) -> tuple[Where, ...]:
    return (segment.source.where(segment.start), *segment.source.included_from)


def _line_from(text: str, position: int, line: int) -> int:
    """Where the `line`-th line begins, the line of `position` being the first; past leading blanks."""
    for _ in range(line - 1):
        position = text.find("\n", position) + 1
        if position == 0:
            return len(text)
    if line > 1:
        while text[position : position + 1] in (" ", "\t"):
            position += 1
    return position
