"""Seeds that are data, not SQL: CSV and JSON files and recipes for made-up rows, loaded by COPY in the caller's transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack.database.catalog import Table, find_table, qualified
from devstack.database.connection import Connection
from devstack.database.outcome import CopyIn, Done, Fault
from devstack.document import excerpt
from devstack.errors import Problem, SpecError, SqlError, Where

KINDS = (".csv", ".tsv", ".json", ".yaml", ".yml")
"""The suffixes of seeds that `run_seed` loads; .sql files run as scripts do."""
_NUMBER = re.compile(r"\d+[-_. ]+")
_COPY_LINE = re.compile(r"COPY [^,]*, line (\d+)(?:, column ([^:\n]+):)?")
_KEY = re.compile(r"\((.*)\)=\((.*)\)")
_COLUMN = re.compile(r'column "([^"]+)"')
_CHECK = re.compile(r'check constraint "([^"]+)"')
_HINTS = {
    "23503": "seeds run in the order of their file names: the rows it points at must come before",
    "23505": "the row is in the table already, or twice in the seed",
}


@dataclass(frozen=True, slots=True)
class Clue:
    """What the server says about the place of a fault in the data of one COPY; `line` counts from 1, "" and {} say nothing."""

    line: int | None
    column: str
    key: dict[str, str]


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one COPY. `chunks` gives its data, `locate` the place in the seed that a fault is about."""

    table: Table
    columns: tuple[str, ...]
    options: str
    chunks: Callable[[], Iterator[bytes]]
    locate: Callable[[Clue], Where]


def run_seed(connection: Connection, path: Path, name: str) -> int:
    """Load one seed within the transaction that is open, and move the sequences of its tables past the ids it gave; its rows.

    The table of a CSV file, and of a JSON file that is a list, is the file's name without its leading number:
    `010_shop.users.csv` is shop.users. `name` is how errors call the file. Raises SpecError for what is wrong with the file and
    SqlError for what the server refuses, both with line and column; the transaction is the caller's to roll back.
    """
    rows, touched = 0, dict[int, tuple[Table, set[str]]]()
    for batch in _batches(connection, path, name):
        rows += _load(connection, batch, path)
        touched.setdefault(batch.table.oid, (batch.table, set()))[1].update(batch.columns)
    for table, columns in touched.values():
        _move_sequences(connection, table, columns)
    return rows


def read_seed(path: Path, name: str) -> str:
    """The text of a seed without its byte order mark. Raises SpecError where it is not UTF-8."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise SpecError([Problem(Where(name, line, column), f"byte {error.start} is not UTF-8")]) from None


def table_named(connection: Connection, text: str, where: Where, source: str) -> Table:
    """The table a seed means. Raises SpecError when there is none."""
    table = find_table(connection, text)
    if table is None:
        known = [row[0] for row in connection.rows(_TABLE_NAMES)]
        raise SpecError([wrong(where, f"there is no table {text}", source, text, known)])
    return table


def wrong(where: Where, message: str, source: str, word: str = "", known: list[str] | None = None) -> Problem:
    """A problem in a seed with its line, and the nearest known word."""
    from devstack.document import did_you_mean

    return Problem(where, message, "", did_you_mean(word, known or ()), excerpt(where, source))


def check_columns(table: Table, columns: tuple[str, ...], where: Callable[[int], Where], source: str) -> None:
    """Refuse columns that the table does not have, computes itself, or that are named twice."""
    known = [column.name for column in table.columns]
    problems = []
    for number, name in enumerate(columns):
        column = table.column(name)
        if column is None:
            problems.append(wrong(where(number), f"{table.shown} has no column {name or '(nameless)'}", source, name, known))
        elif column.generated:
            problems.append(wrong(where(number), f"{name} is computed by the database and cannot be given", source))
        elif name in columns[:number]:
            problems.append(wrong(where(number), f"the column {name} is named twice", source))
    if problems:
        raise SpecError(problems)


def table_name(path: Path) -> str:
    """The table that a file's name says: "shop.users" of 010_shop.users.csv."""
    return _NUMBER.sub("", path.stem, count=1) if _NUMBER.match(path.stem) else path.stem


def place(name: str, text: str, offset: int) -> Where:
    """The line and column of an offset."""
    return Where(name, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _batches(connection: Connection, path: Path, name: str) -> Iterator[Batch]:
    match path.suffix.lower():
        case ".csv" | ".tsv":
            from devstack.database.seed_csv import batches
        case ".json":
            from devstack.database.seed_json import batches
        case ".yaml" | ".yml":
            from devstack.database.recipes import batches
        case suffix:
            kinds = ", ".join((".sql", *KINDS))
            raise SpecError(
                [Problem(Where(name), f"a seed cannot be a {suffix or 'file without a suffix'}", "", f"one of {kinds}")]
            )
    return batches(connection, path, name)


def _load(connection: Connection, batch: Batch, path: Path) -> int:
    columns = ", ".join(connection.identifier(column) for column in batch.columns)
    target = qualified(connection, batch.table.schema, batch.table.name)
    rows, fault = 0, None
    for outcome in connection.script(f"COPY {target} ({columns}) FROM STDIN {batch.options}"):
        if isinstance(outcome, CopyIn):
            connection.copy(batch.chunks())
        elif isinstance(outcome, Fault):
            fault = outcome
        elif isinstance(outcome, Done):
            rows = int(outcome.tag.rpartition(" ")[2])
    if fault is not None:
        raise _error(batch, fault, path)
    return rows


def _error(batch: Batch, fault: Fault, path: Path) -> SqlError:
    where = batch.locate(_clue(fault, batch.table))
    text = path.read_text("utf-8-sig", "replace")
    lines = "\n".join(excerpt(where, text))
    details = [(label, text) for label, text in (("", lines), ("detail", fault.detail), ("context", _outside(fault))) if text]
    hints = [hint for hint in (fault.hint, _HINTS.get(fault.sqlstate, "")) if hint]
    return SqlError(fault.message, where=where, details=details, hints=hints, code=f"sql {fault.sqlstate}")


def _outside(fault: Fault) -> str:
    """The server's context without its count of COPY lines, which is not the file's."""
    return "\n".join(line for line in fault.context.splitlines() if not line.startswith("COPY "))


def _clue(fault: Fault, table: Table) -> Clue:
    line = _COPY_LINE.search(fault.context)
    key = _KEY.search(fault.detail)
    names = [word.strip().strip('"') for word in key.group(1).split(",")] if key else []
    values = key.group(2).split(", ") if key else []
    column = (line.group(2) or "") if line else ""
    return Clue(
        int(line.group(1)) if line else None,
        column or _column_of(fault, table) or (names[0] if names else ""),
        dict(zip(names, values, strict=False)) if len(names) == len(values) else {},
    )


def _column_of(fault: Fault, table: Table) -> str:
    """The column that the message names, itself or by the name of a check."""
    named, check = _COLUMN.search(fault.message), _CHECK.search(fault.message)
    if named is not None or check is None:
        return named.group(1) if named else ""
    return next((c.columns[0] for c in table.checks if c.name == check.group(1) and c.columns), "")


_TABLE_NAMES = """
SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'devstack')"""
_SEQUENCES = """
SELECT DISTINCT a.attname::text, s.oid::bigint, q.seqincrement > 0, q.seqmin, q.seqmax
FROM pg_attribute a
LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
JOIN pg_depend d ON (d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
        AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i'))
    OR (d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass)
JOIN pg_class s ON s.relkind = 'S' AND s.oid = CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid ELSE d.refobjid END
JOIN pg_sequence q ON q.seqrelid = s.oid
WHERE a.attrelid = %s::oid AND a.atttypid IN (20, 21, 23, 1700) AND NOT a.attisdropped"""


def _move_sequences(connection: Connection, table: Table, columns: set[str]) -> None:
    """Every sequence that fills one of the columns goes on past what is in the table; never backwards."""
    target = qualified(connection, table.schema, table.name)
    for column, sequence, upwards, least, most in connection.rows(_SEQUENCES, (table.oid,)):
        if column not in columns:
            continue
        furthest = f"{'max' if upwards else 'min'}({connection.identifier(column)})::bigint"
        beyond = ">" if upwards else "<"
        connection.rows(
            f"SELECT setval({sequence}::regclass, m) FROM (SELECT {furthest} AS m FROM {target}) x"  # noqa: S608 - from the catalog
            f" WHERE m BETWEEN {least} AND {most} AND m {beyond} coalesce(pg_sequence_last_value({sequence}::regclass),"
            f" {least - 1 if upwards else most + 1}::numeric)"
        )
