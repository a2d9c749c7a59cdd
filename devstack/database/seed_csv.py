"""CSV seeds: the first line names the columns; an empty value is NULL, a quoted empty one is ''."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from devstack.database.catalog import Table
from devstack.database.connection import Connection
from devstack.database.seeds import Batch, Clue, check_columns, table_name, table_named, wrong
from devstack.errors import SpecError, Where

_CHUNK = 1 << 18
_BOM = b"\xef\xbb\xbf"


def batches(connection: Connection, path: Path, name: str) -> Iterator[Batch]:
    """The file as one COPY; what separates its values is a comma, or what its header shows: a tab or a semicolon."""
    with path.open("rb") as file:
        head = file.readline()
    header = head.removeprefix(_BOM).decode("utf-8", "replace").rstrip("\r\n")
    if not header.strip():
        raise SpecError([wrong(Where(name, 1), "the first line must name the columns", "")])
    table = table_named(connection, table_name(path), Where(name), header)
    delimiter = _delimiter(path, header)
    columns = tuple(field.strip() for field in next(csv.reader([header], delimiter=delimiter)))
    check_columns(table, columns, lambda number: Where(name, 1, _field(header, 0, number, delimiter) + 1), header)
    options = f"(FORMAT csv, HEADER, DELIMITER {connection.literal(delimiter)})"
    place = _Place(path, name, table, columns, delimiter)
    yield Batch(table, columns, options, lambda: _data(path), place.locate)


def _delimiter(path: Path, header: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    return next((mark for mark in (",", ";", "\t") if mark in header), ",")


def _data(path: Path) -> Iterator[bytes]:
    """The file without the empty lines at its end, which would be rows. The server skips the header, so its lines are the file's."""
    held = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            chunk = held + chunk
            body = chunk.rstrip(b"\r\n")
            held = chunk[len(body) :]
            yield body
    if held:
        yield b"\r\n" if held.startswith(b"\r\n") else held[:1]


class _Place:
    """Finds a value in the file again, once something is wrong with it."""

    def __init__(self, path: Path, name: str, table: Table, columns: tuple[str, ...], delimiter: str) -> None:
        self.path = path
        self.name = name
        self.table = table
        self.columns = columns
        self.delimiter = delimiter

    def locate(self, clue: Clue) -> Where:
        text = self.path.read_text("utf-8-sig", "replace")
        starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        number = self.columns.index(clue.column) if clue.column in self.columns else 0
        for first, last, fields in self._records(text):
            given = dict(zip(self.columns, fields, strict=False))
            by_key = bool(clue.key) and all(given.get(name) == value for name, value in clue.key.items())
            if first <= (clue.line or -1) <= last or (clue.line is None and by_key):
                start = starts[first - 1]
                return Where(self.name, first, _field(text, start, number, self.delimiter) - start + 1)
        return Where(self.name, clue.line)

    def _records(self, text: str) -> Iterator[tuple[int, int, list[str]]]:
        """(first line, last line, values) of every record after the header, lines counted from 1."""
        reader = csv.reader((line + "\n" for line in text.split("\n")), delimiter=self.delimiter)
        before = 0
        try:
            for fields in reader:
                if before:
                    yield before + 1, reader.line_num, fields
                before = reader.line_num
        except csv.Error:
            return


def _field(text: str, start: int, number: int, delimiter: str) -> int:
    """Where the `number`-th value of the record at `start` begins; where the record does when it has fewer."""
    quoted, position = False, start
    while number:
        char = text[position : position + 1]
        if not char or (char == "\n" and not quoted):
            return start
        if char == '"':
            quoted = not quoted
        elif char == delimiter and not quoted:
            number -= 1
        position += 1
    return position
