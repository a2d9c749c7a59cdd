r"""A small SQL shell of our own, for where there is no psql: statements, \\d, \\dt, \\l, \\x-less tables, CSV, and JSON answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from devstack.database.answers import Fetched, as_csv, as_table
from devstack.database.connection import Connection
from devstack.database.outcome import CopyIn, Fault, StatementRefused
from devstack.errors import SqlError, UsageError

_TOKEN = re.compile(r"""[;()]|--[^\n]*|/\*|\*/|[eE]?'|"|(?<![\w$])\$(?:[^\W\d]\w*)?\$""")
_ENDS = {"'": re.compile(r"(?:[^']|'')*'"), "E": re.compile(r"(?:[^'\\]|\\.|'')*'", re.DOTALL), '"': re.compile(r'(?:[^"]|"")*"')}
_FROM_STDIN = re.compile(r"\s*copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
HELP = """\
\\d          tables and views        \\d NAME   the columns of one
\\l          databases               \\q        end
Other commands that begin with a backslash are psql's: its own shell is not to be had here."""


class Ended(Exception):
    r"""\q was typed."""


def end_of_statement(text: str) -> int:
    """Where the first statement of the text ends, past its semicolon; -1 when there is no whole one yet."""
    position = depth = 0
    while found := _TOKEN.search(text, position):
        mark, position = found.group(), found.end()
        if mark == ";" and depth <= 0:
            return position
        if mark == "/*":
            position = _end_of_comment(text, position)
        elif mark[0] in "'\"eE":
            end = _ENDS["E" if mark[0] in "eE" else mark].match(text, position)
            position = end.end() if end else -1
        elif mark[0] == "$":
            at = text.find(mark, position)
            position = at + len(mark) if at >= 0 else -1
        else:
            depth += {"(": 1, ")": -1}.get(mark, 0)
        if position < 0:
            return -1
    return -1


def _end_of_comment(text: str, position: int) -> int:
    depth = 1
    while depth:
        found = re.compile(r"/\*|\*/").search(text, position)
        if found is None:
            return -1
        depth += 1 if found.group() == "/*" else -1
        position = found.end()
    return position


class Teller(Protocol):
    """Is told what comes of every statement."""

    def rows(self, fetched: Fetched) -> None: ...

    def done(self, tag: str) -> None:
        """A statement ended; one that had rows too."""

    def fault(self, sql: str, fault: Fault) -> None:
        """A statement of `sql` failed. What is raised here ends the shell."""

    def data(self, data: bytes) -> None:
        """A piece of what COPY TO STDOUT gives."""

    def say(self, text: str) -> None:
        """Something beside the answers."""


class TextTeller:
    """Writes as psql does; each text has its line ends."""

    def __init__(self, out: Callable[[str], None], err: Callable[[str], None], *, as_csv: bool = False) -> None:
        self._out = out
        self._csv = as_csv
        self._had_rows = False
        self.say = err

    def rows(self, fetched: Fetched) -> None:
        self._had_rows = True
        self._out(as_csv(fetched) if self._csv else as_table(fetched))

    def done(self, tag: str) -> None:
        if not self._had_rows:
            self._out(f"{tag}\n")
        self._had_rows = False

    def fault(self, sql: str, fault: Fault) -> None:
        self.say(told(sql, fault))

    def data(self, data: bytes) -> None:
        self._had_rows = True
        self._out(data.decode("utf-8", "replace"))


class Gatherer:
    """Keeps the results for one JSON answer; a fault ends it as an SqlError."""

    def __init__(self, err: Callable[[str], None]) -> None:
        self.results: list[Fetched | str] = []
        self._had_rows = False
        self.say = err

    def rows(self, fetched: Fetched) -> None:
        self._had_rows = True
        self.results.append(fetched)

    def done(self, tag: str) -> None:
        if not self._had_rows:
            self.results.append(tag)
        self._had_rows = False

    def fault(self, sql: str, fault: Fault) -> None:
        _, _, more = told(sql, fault).partition("\n")
        raise SqlError(fault.message, details=[("", more.rstrip("\n"))] if more else (), code=f"sql {fault.sqlstate}")

    def data(self, data: bytes) -> None:
        raise UsageError("COPY TO STDOUT gives no rows that could be JSON", hints=["leave out --json"])


class OwnShell:
    """Runs SQL on a connection and tells what comes of it."""

    def __init__(self, connection: Connection, teller: Teller) -> None:
        self._connection = connection
        self._teller = teller
        connection.on_rows = teller.rows
        connection.on_copy_out = teller.data
        connection.on_notice = lambda fault: teller.say(f"{fault.severity}:  {fault.message}\n")

    def command(self, text: str) -> bool:
        """Run one -c: a backslash command, or SQL as one message. Whether it went well."""
        if text.lstrip().startswith("\\"):
            return self._backslash(text.strip())
        return self.run(text, iter(()))

    def read(self, lines: Iterable[str], *, prompt: Callable[[str], None] = lambda text: None, stop: bool) -> int:
        r"""Run statement by statement what the lines hold; the exit code: 0, or 3 after the first error where that is to `stop` all."""
        source = iter(lines)
        pending = ""
        name = self._connection.target.database
        prompt(f"{name}=> ")
        for line in source:
            if not pending.strip() and line.lstrip().startswith("\\"):
                if not self._backslash(line.strip()) and stop:
                    return 3
                pending = ""
            else:
                pending += line
                while (end := end_of_statement(pending)) >= 0:
                    statement, pending = pending[:end], pending[end:].lstrip(" \t\n")
                    if not self.run(statement, source) and stop:
                        return 3
            prompt(f"{name}-> " if pending.strip() else f"{name}=> ")
        return 0 if not pending.strip() or self.run(pending, iter(())) or not stop else 3

    def run(self, sql: str, data: Iterator[str]) -> bool:
        """Send SQL; `data` is where the lines of its COPY FROM stdin come from. Whether it went well."""
        well = True
        for outcome in self._connection.script(sql):
            if isinstance(outcome, CopyIn):
                self._connection.copy(_copy_lines(data) if _FROM_STDIN.match(sql) else iter(()))
            elif isinstance(outcome, Fault):
                well = False
                self._teller.fault(sql, outcome)
            else:
                self._teller.done(outcome.tag)
        return well

    def _backslash(self, line: str) -> bool:
        word, _, argument = line.rstrip(";").partition(" ")
        argument = argument.strip()
        match word:
            case "\\q":
                raise Ended
            case "\\?" | "\\h":
                self._teller.say(HELP + "\n")
            case "\\l":
                return self.run("SELECT datname AS name, pg_get_userbyid(datdba) AS owner FROM pg_database ORDER BY 1", iter(()))
            case "\\d" | "\\dt" | "\\dv" if not argument:
                kinds = {"\\d": "rpvmf", "\\dt": "rp", "\\dv": "vm"}[word]
                return self.run(_RELATIONS.format(kinds=self._connection.literal(kinds)), iter(()))
            case "\\d" | "\\dt":
                return self._describe(argument)
            case _:
                self._teller.say(f"{word} is a command of psql, which is not here; \\? shows what there is\n")
                return False
        return True

    def _describe(self, name: str) -> bool:
        try:
            found = self._connection.rows("SELECT %s::regclass::oid::bigint", (name,))
        except StatementRefused as error:
            self._teller.say(f"ERROR:  {error.fault.message}\n")
            return False
        oid = found[0][0]
        well = self.run(_COLUMNS.format(oid=oid), iter(()))
        return self.run(_INDEXES.format(oid=oid), iter(())) and well


def _copy_lines(lines: Iterator[str]) -> Iterator[bytes]:
    for line in lines:
        if line.rstrip("\r\n") == "\\.":
            return
        yield line.encode()


def told(sql: str, fault: Fault) -> str:
    """The error as psql words it, with the line and a caret where the server says a place."""
    text = f"{fault.severity}:  {fault.message}\n"
    if fault.position:
        at = fault.position - 1
        start = sql.rfind("\n", 0, at) + 1
        line = sql[start:].split("\n", 1)[0]
        head = f"LINE {sql.count(chr(10), 0, at) + 1}: "
        text += f"{head}{line}\n{' ' * (len(head) + at - start)}^\n"
    for label, more in (("DETAIL", fault.detail), ("HINT", fault.hint)):
        text += f"{label}:  {more}\n" if more else ""
    return text


_RELATIONS = """
SELECT n.nspname AS "Schema", c.relname AS "Name", CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table'
    WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END AS "Type", pg_get_userbyid(c.relowner) AS "Owner"
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE strpos({kinds}, c.relkind::text) > 0 AND pg_table_is_visible(c.oid) AND n.nspname !~ '^pg_' ORDER BY 1, 2"""
_COLUMNS = """
SELECT a.attname AS "Column", format_type(a.atttypid, a.atttypmod) AS "Type", CASE WHEN a.attnotnull THEN 'not null' ELSE '' END
    AS "Nullable", coalesce(pg_get_expr(d.adbin, d.adrelid), CASE a.attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN
    'identity' ELSE '' END) AS "Default"
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_INDEXES = """
SELECT what AS "Indexes and constraints" FROM (
    SELECT 1 AS o, pg_get_indexdef(indexrelid) AS what FROM pg_index WHERE indrelid = {oid}
    UNION ALL SELECT 2, conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = {oid} AND contype IN ('f', 'c')
) x ORDER BY o, what"""
