"""What a picture shows: a box for each table, a line for each foreign key, a box for each enum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from devstack.database.catalog import ForeignKey, Table
from devstack.words import counted

ROW = 18
"""Height of a line in a box; every port lies on a grid of half of it."""
HEADER = 27
_CHAR = 7.3
_SHORT = (
    (r"timestamp(\(\d\))? with time zone", r"timestamptz\1"),
    (r"timestamp(\(\d\))? without time zone", r"timestamp\1"),
    (r"time(\(\d\))? with time zone", r"timetz\1"),
    (r"time(\(\d\))? without time zone", r"time\1"),
    (r"character varying", "varchar"),
    (r"double precision", "float8"),
    (r"\bcharacter\b", "char"),
    (r"\bboolean\b", "bool"),
    (r"\binteger\b", "int"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One column in a box. `mark` is "PK", "FK", "PK FK", "UQ" or ""."""

    mark: str
    name: str
    type: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A table (or an enum) as it is drawn; `note` is a last line in small print."""

    name: str
    lines: tuple[Line, ...]
    note: str = ""
    enum: bool = False

    @property
    def marks(self) -> float:
        """Width of the column of marks."""
        return max((len(line.mark) for line in self.lines), default=0) * 6.2 + 8

    @property
    def names(self) -> float:
        return max((len(line.name) for line in self.lines), default=0) * _CHAR

    @property
    def width(self) -> float:
        types = max((len(line.type) + line.nullable * 2 for line in self.lines), default=0) * _CHAR
        inside = self.marks + self.names + (18 + types if types else 0) + 20
        return float(round(max(inside, len(self.name) * 8.2 + 30, len(self.note) * 6.2 + 24, 110)))

    @property
    def height(self) -> int:
        return HEADER + ROW * (len(self.lines) + bool(self.note)) + 9

    def port(self, column: str) -> int:
        """How far below the box's top a line meets the column; its header where the column is not shown."""
        for number, line in enumerate(self.lines):
            if line.name == column:
                return HEADER + ROW * number + 9
        return ROW


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key: from the column of one table to the column of another. `single`: each parent has at most one such child."""

    child: str
    column: str
    parent: str
    ref_column: str
    name: str
    single: bool
    optional: bool


@dataclass(frozen=True, slots=True)
class Picture:
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]


def picture_of(tables: Sequence[Table]) -> Picture:
    """The tables with their keys and the enums they use. Partitions stand in their parent's box, views are left out."""
    shown = [table for table in tables if table.kind in ("table", "partitioned table", "foreign table")]
    parts = {table.oid: sum(part.parent == table.oid for part in tables) for table in shown}
    boxes = [_box(table, parts[table.oid]) for table in shown]
    names = {(table.schema, table.name): table.shown for table in shown}
    links = []
    for table in shown:
        for key in table.foreign_keys:
            parent = names.get((key.schema, key.table))
            if parent is not None:
                own = [column for column in table.columns if column.name in key.columns]
                number = _telling(table, key)
                links.append(
                    Link(
                        table.shown, key.columns[number], parent, key.ref_columns[number], key.name,
                        single=any(set(unique) <= set(key.columns) for unique in table.uniques),
                        optional=any(not column.not_null for column in own),
                    )
                )  # fmt: skip
    return Picture((*boxes, *_enums(shown)), tuple(links))


def _telling(table: Table, key: ForeignKey) -> int:
    """Which column of a key its line is drawn from: the first that no other key has too."""
    others = [column for other in table.foreign_keys if other is not key for column in other.columns]
    return next((number for number, column in enumerate(key.columns) if column not in others), 0)


def short_type(text: str) -> str:
    """A type as people write it: timestamptz, varchar(60)."""
    for pattern, replacement in _SHORT:
        text = re.sub(pattern, replacement, text)
    return text.replace('"', "")


def _box(table: Table, partitions: int) -> Box:
    referring = {column for key in table.foreign_keys for column in key.columns}
    unique = {columns[0] for columns in table.uniques if len(columns) == 1}
    lines = []
    for column in table.columns:
        marks = [mark for mark, has in (("PK", column.name in table.primary), ("FK", column.name in referring)) if has]
        if not marks and column.name in unique:
            marks = ["UQ"]
        lines.append(Line(" ".join(marks), column.name, short_type(column.type), not column.not_null))
    note = ""
    if table.partition_key:
        by = table.partition_key.lower().replace('"', "")
        note = f"by {by}, {counted(partitions, 'partition')}"
    return Box(table.shown, tuple(lines), note)


def _enums(tables: Sequence[Table]) -> list[Box]:
    used = {column.base: column.labels for table in tables for column in table.columns if column.labels}
    return [Box(name, tuple(Line("", label, "") for label in labels), enum=True) for name, labels in sorted(used.items())]
