"""JSON seeds: a list of objects, or an object of such lists by table. Numbers and documents reach the database as they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, NoReturn

from devstack.compose.model import Json
from devstack.database.catalog import Column, Table
from devstack.database.connection import Connection
from devstack.database.seeds import Batch, Clue, check_columns, place, read_seed, table_name, table_named, wrong
from devstack.errors import SpecError, Where

_BLANK = re.compile(r"[ \t\r\n]*")
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_CHUNK = 2000


class Member(NamedTuple):
    """One `"key": value`: the value, and where key and value stand in the text."""

    value: Json
    key_at: int
    start: int
    end: int


Row = dict[str, Member]


def escaped(value: str) -> str:
    """A value as COPY's text format has it."""
    return value.translate(_ESCAPES)


def array_literal(value: list[Json]) -> str:
    """A list as PostgreSQL writes arrays."""
    return "{" + ",".join(_element(item) for item in value) + "}"


def _element(item: Json) -> str:
    if item is None:
        return "NULL"
    if isinstance(item, list):
        return array_literal(item)
    text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def batches(connection: Connection, path: Path, name: str) -> Iterator[Batch]:
    """The rows in their order; a COPY for every stretch that gives the same columns."""
    reader = _Reader(read_seed(path, name), name)
    for shown, at, rows in reader.tables(table_name(path)):
        where = place(name, reader.text, at) if at else Where(name)
        table = table_named(connection, shown, where, reader.text)
        for row in rows:
            keys = tuple(row)
            check_columns(table, keys, lambda number, row=row, keys=keys: reader.place(row[keys[number]].key_at), reader.text)  # type: ignore[misc]
        for columns, same in groupby(rows, lambda row, table=table: _columns(table, row)):  # type: ignore[misc]
            if columns:
                yield _batch(reader, table, columns, list(same))
            elif list(same):
                raise SpecError([wrong(where, "an object without any key gives no row", reader.text)])


def _columns(table: Table, row: Row) -> tuple[str, ...]:
    """The columns to give for a row; one that is left out is NULL unless the server fills it."""
    return tuple(c.name for c in table.columns if c.name in row or (row and not c.fills_itself))


def _batch(reader: _Reader, table: Table, columns: tuple[str, ...], rows: list[Row]) -> Batch:
    types = [table.column(name) for name in columns]

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(rows), _CHUNK):
            lines = []
            for row in rows[start : start + _CHUNK]:
                lines.append("\t".join(reader.cell(row.get(c.name), c) for c in types if c is not None))
            yield ("\n".join(lines) + "\n").encode()

    def locate(clue: Clue) -> Where:
        number = clue.line - 1 if clue.line else _row_with(rows, clue.key)
        if number is None or not 0 <= number < len(rows):
            return Where(reader.name)
        row = rows[number]
        member = row.get(clue.column) or next(iter(row.values()))
        return reader.place(member.start if clue.column in row else member.key_at)

    for row in rows:  # a value that cannot be sent is told before anything is
        for column in types:
            if column is not None:
                reader.cell(row.get(column.name), column)
    return Batch(table, columns, "", chunks, locate)


def _row_with(rows: list[Row], key: dict[str, str]) -> int | None:
    for number, row in enumerate(rows):
        if key and all(name in row and str(row[name].value) == value for name, value in key.items()):
            return number
    return None


class _Reader:
    """Reads the outer levels of a JSON document by hand, so that every value has its place. Numbers stay the text they are."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self._decode = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str).raw_decode

    def place(self, at: int) -> Where:
        return place(self.name, self.text, at)

    def tables(self, default: str) -> Iterator[tuple[str, int, list[Row]]]:
        """(table, where it is named, rows) of every list."""
        at = self._skip(0)
        opening = self.text[at : at + 1]
        if opening == "{":
            for key, member in self._members(at):
                if self.text[member.start] != "[":
                    self._fail(member.start, f'a list of rows is expected for "{key}"')
                yield key, member.key_at, self._rows(member.start)
            at = self._skip(self._end)
        elif opening == "[":
            yield default, 0, self._rows(at)
            at = self._skip(self._end)
        else:
            self._fail(at, "a list of objects is expected, or an object of such lists by table")
        if at != len(self.text):
            self._fail(at, "there is something after the end of the document")

    def cell(self, member: Member | None, column: Column) -> str:
        """The value as COPY's text format has it. Raises SpecError for what no column can hold."""
        if member is None or member.value is None:
            return "\\N"
        raw = self.text[member.start : member.end]
        value = member.value
        if column.base in ("json", "jsonb"):
            text = raw
        elif isinstance(value, str):
            text = value
        elif isinstance(value, list) and column.category == "A":
            text = array_literal(value)
        else:
            text = raw
        try:
            bad = "\0" in text
            text.encode()
        except UnicodeEncodeError:
            bad = True
        if bad:
            self._fail(member.start, "the text holds a character that PostgreSQL cannot store")
        return escaped(text)

    def _rows(self, at: int) -> list[Row]:
        rows: list[Row] = []
        at = self._skip(at + 1)
        if self.text[at : at + 1] == "]":
            self._end = at + 1
            return rows
        while True:
            if self.text[at : at + 1] != "{":
                self._fail(at, 'every row is an object: {"column": value}')
            row: Row = {}
            for key, member in self._members(at):
                if key in row:
                    self._fail(member.key_at, f"the column {key} is named twice")
                row[key] = member
            rows.append(row)
            at = self._skip(self._end)
            if self.text[at : at + 1] == "]":
                self._end = at + 1
                return rows
            at = self._skip(self._expect(at, ","))

    def _members(self, at: int) -> Iterator[tuple[str, Member]]:
        """Key and value of each member of the object at `at`; `_end` is past it afterwards."""
        at = self._skip(at + 1)
        if self.text[at : at + 1] == "}":
            self._end = at + 1
            return
        while True:
            key_at = at
            if self.text[at : at + 1] != '"':
                self._fail(at, "a quoted name is expected")
            key, at = self._value(at)
            start = self._skip(self._expect(self._skip(at), ":"))
            value, end = self._value(start)
            yield str(key), Member(value, key_at, start, end)
            at = self._skip(end)
            if self.text[at : at + 1] == "}":
                self._end = at + 1
                return
            at = self._skip(self._expect(at, ","))

    def _value(self, at: int) -> tuple[Json, int]:
        try:
            value, end = self._decode(self.text, at)
        except json.JSONDecodeError as error:
            self._fail(error.pos, f"this is no JSON: {error.msg}")
        except RecursionError:
            self._fail(at, "this is nested too deeply")
        return value, end

    def _skip(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        return found.end() if found else at

    def _expect(self, at: int, char: str) -> int:
        if self.text[at : at + 1] != char:
            self._fail(at, f"'{char}' is expected")
        return at + 1

    def _fail(self, at: int, message: str) -> NoReturn:
        where = self.place(min(at, max(0, len(self.text) - 1)))
        raise SpecError([wrong(where, message, self.text)])
