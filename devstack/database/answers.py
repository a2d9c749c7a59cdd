"""What queries give, as people and programs read it: aligned tables, CSV, JSON with the right types."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devstack.compose.model import Json

_INTEGERS = {20, 21, 23, 26, 28, 29}
_FRACTIONS = {700, 701, 1700}
_DOCUMENTS = {114, 3802}
_BOOL = 16
_ARRAYS = {
    1000: 16, 1005: 21, 1007: 23, 1016: 20, 1028: 26, 1021: 700, 1022: 701, 1231: 1700, 199: 114, 3807: 3802, 1009: 25, 1015: 1043,
    1002: 18, 1003: 19, 1014: 1042, 2951: 2950, 1182: 1082, 1115: 1114, 1185: 1184, 1183: 1083, 1270: 1266, 1187: 1186, 1041: 869,
    651: 650, 1001: 17,
}  # fmt: skip
"""Array types of the server's own, by the type of their elements."""
_RIGHT = _INTEGERS | _FRACTIONS | {790}
_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)|([{},])', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The rows of one result: column names, the catalog's numbers of their types, values as the server writes them."""

    names: tuple[str, ...]
    types: tuple[int, ...]
    rows: list[tuple[str | None, ...]]


def as_objects(fetched: Fetched) -> list[Json]:
    """The rows as JSON objects. Of columns with the same name the last one is seen, so they are told apart: id, id_2."""
    names: list[str] = []
    for name in fetched.names:
        count = 1
        unique = name
        while unique in names:
            count += 1
            unique = f"{name}_{count}"
        names.append(unique)
    readers = [_reader(number) for number in fetched.types]
    return [
        {name: None if value is None else read(value) for name, read, value in zip(names, readers, row, strict=True)}
        for row in fetched.rows
    ]


def as_table(fetched: Fetched) -> str:
    """The rows as psql shows them."""
    cells = [["" if value is None else value for value in row] for row in fetched.rows]
    widths = [max([_width(name), *(max(map(_width, row[i].split("\n"))) for row in cells)]) for i, name in enumerate(fetched.names)]
    right = [number in _RIGHT for number in fetched.types]
    lines = [" " + " | ".join(_padded(name, width, "^") for name, width in zip(fetched.names, widths, strict=True))]
    lines.append("+".join("-" * (width + 2) for width in widths))
    for row in cells:
        parts = [cell.split("\n") for cell in row]
        for n in range(max(map(len, parts), default=0)):
            texts = [part[n] if n < len(part) else "" for part in parts]
            line = " | ".join(_padded(t, w, ">" if r else "<") for t, w, r in zip(texts, widths, right, strict=True))
            lines.append(f" {line}")
    count = len(fetched.rows)
    return "\n".join([*(line.rstrip() for line in lines), f"({count} row{'' if count == 1 else 's'})", "", ""])


def as_csv(fetched: Fetched) -> str:
    """The rows as psql --csv gives them: NULL is empty, an empty text too."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in (fetched.names, *fetched.rows):
        writer.writerow(row)
    return out.getvalue()


def _reader(number: int) -> Callable[[str], Json]:
    if number in _INTEGERS:
        return int
    if number in _FRACTIONS:
        return _fraction
    if number == _BOOL:
        return lambda text: text == "t"
    if number in _DOCUMENTS:
        return _document
    if number in _ARRAYS:
        element = _reader(_ARRAYS[number])
        return lambda text: _array(text, element)
    return str


def _fraction(text: str) -> Json:
    """A number, where JSON's readers get the very same one; else its digits as text."""
    from decimal import Decimal

    exact = Decimal(text)
    if not exact.is_finite():
        return text
    if exact == exact.to_integral_value() and "." not in text and "e" not in text:
        return int(text)
    return float(text) if Decimal(repr(float(text))) == exact else text


def _document(text: str) -> Json:
    value: Json = json.loads(text)
    return value


def _array(text: str, element: Callable[[str], Json]) -> Json:
    """The list that an array's text says; what is no plain array stays the text it is."""
    if not text.startswith("{"):
        return text
    stack: list[list[Json]] = [[]]
    for quoted, bare, mark in _ELEMENT.findall(text):
        if mark == "{":
            stack.append([])
        elif mark == "}":
            done = stack.pop()
            stack[-1].append(done)
        elif bare:
            stack[-1].append(None if bare == "NULL" else element(bare))
        elif not mark:
            stack[-1].append(element(re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)))
    return stack[0][0]


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _padded(text: str, width: int, side: str) -> str:
    gap = width - _width(text)
    left = {"<": 0, ">": gap, "^": gap // 2}[side]
    return " " * left + text + " " * (gap - left)


def result_of(fetched: Sequence[Fetched | str]) -> Json:
    """Several results as one JSON value: the rows of the only one, else a list with one entry each.

    A statement without rows is told as {"command": "INSERT 0 1"}.
    """
    answers: list[Json] = [{"command": item} if isinstance(item, str) else as_objects(item) for item in fetched]
    return answers[0] if len(answers) == 1 else answers
