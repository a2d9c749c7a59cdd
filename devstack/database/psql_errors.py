"""What psql says on stderr, read back: which error, and where in the file it really is.

psql names the line where a statement ends, and shows the line with the error cut to a width; the statements that the scanner found say
where that line stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from devstack.database.fault import Place, place_of
from devstack.database.outcome import Fault
from devstack.database.script import Script, Segment, Statement
from devstack.database.source import Source

_REPORT = re.compile(
    r"^(?:psql:(?:(?P<file>[^\n]+?):(?P<line>\d+):)? ?)?(?P<severity>ERROR|FATAL|PANIC|error|fatal|WARNING|NOTICE|INFO|LOG|DEBUG): +"
    r"(?:(?P<state>[0-9A-Z]{5}): )?(?P<message>.*)$"
)
_MORE = re.compile(r"^(LINE \d+|DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT|[A-Z]+ NAME): +")
_FAILS = {"ERROR", "FATAL", "PANIC", "error", "fatal"}


@dataclass(frozen=True, slots=True)
class Report:
    """One message of psql. `line` is where it says it was in `file`; `excerpt` the shown line of SQL and `caret` the column in it."""

    file: str
    line: int | None
    fault: Fault
    excerpt: str = ""
    caret: int = 0

    @property
    def is_error(self) -> bool:
        return self.fault.severity in _FAILS


def reports(text: str) -> Iterator[Report]:
    """The messages in what psql wrote."""
    head: re.Match[str] | None = None
    more: list[str] = []
    for line in text.splitlines():
        found = _REPORT.match(line)
        if found is None:
            more.append(line)
            continue
        if head is not None:
            yield _report(head, more)
        head, more = found, []
    if head is not None:
        yield _report(head, more)


def _report(head: re.Match[str], more: list[str]) -> Report:
    parts: dict[str, list[str]] = {"": [head["message"]]}
    label, excerpt, caret = "", "", 0
    for line in more:
        found = _MORE.match(line)
        if found is not None:
            label = found.group(1)
            if label.startswith("LINE"):
                excerpt, caret = line[found.end() :], -found.end()
                continue
            parts[label] = [line[found.end() :]]
        elif label.startswith("LINE"):
            if caret < 0 and line.strip() == "^":
                caret += line.index("^")
        else:
            parts.setdefault(label, []).append(line)
    joined = {key: "\n".join(lines) for key, lines in parts.items()}
    fault = Fault(
        severity=head["severity"],
        sqlstate=head["state"] or "",
        message=joined[""],
        detail=joined.get("DETAIL", ""),
        hint=joined.get("HINT", ""),
        context=joined.get("CONTEXT", ""),
    )
    return Report(head["file"] or "", int(head["line"]) if head["line"] else None, fault, excerpt, max(0, caret))


def place(script: Script, report: Report) -> Place | None:
    """Where in the script's files the error is; None when psql does not say."""
    if report.line is None:
        return None
    origin = _source(script, report.file)
    if origin is None:
        return None
    if not report.fault.sqlstate:
        return _of_psql(origin, report)
    found = _statement(script, origin, report)
    if found is None:
        return Place(origin, origin.at(report.line))
    segment, statement = found
    if report.excerpt:
        position = _shown(origin, segment, statement, report)
        if position is not None:
            return Place(origin, position, statement)
    return place_of(segment.alone(statement), report.fault, 0, 0)


def _source(script: Script, file: str) -> Source | None:
    """The file of that name in psql's folder."""
    known = {segment.source.name: segment.source for segment in script.segments} | {script.name: script.source}
    name = file.removeprefix("./")
    for parts in (name, name.replace("above/", "../")):
        if parts in known:
            return known[parts]
    return next((origin for known_name, origin in known.items() if known_name.endswith("/" + name)), None)


def _of_psql(origin: Source, report: Report) -> Place:
    """psql itself complains: about the command on that line."""
    start = origin.at(report.line or 1)
    end = origin.text.find("\n", start)
    named = re.search(r"\\\w+", report.fault.message)
    line = origin.text[start : end if end >= 0 else len(origin.text)]
    column = line.find(named.group()) if named else -1
    column = column if column >= 0 else max(0, line.find("\\"))
    return Place(origin, start + column)


def _statement(script: Script, origin: Source, report: Report) -> tuple[Segment, Statement] | None:
    """The statement that ends on the line, and shows what psql shows when several do."""
    line_start = origin.at(report.line or 1)
    line_end = origin.text.find("\n", line_start)
    line_end = line_end if line_end >= 0 else len(origin.text)
    for segment in script.segments:
        if segment.source is origin and segment.copy is not None and segment.copy[0] <= line_start <= segment.copy[1] + 1:
            return segment, segment.statements[-1]
    ending = [
        (segment, statement)
        for segment in script.segments
        if segment.source is origin
        for statement in segment.statements
        if statement.head <= line_end and statement.end > line_start
    ]
    exact = [found for found in ending if found[1].end <= line_end + 1 or _blank(origin, line_end, found[1].end)]
    candidates = exact or ending
    if report.excerpt and len(candidates) > 1:
        shown = [found for found in candidates if _shown(origin, *found, report) is not None]
        candidates = shown or candidates
    return candidates[0] if candidates else None


def _blank(origin: Source, start: int, end: int) -> bool:
    return start >= end or not origin.text[start:end].strip()


def _shown(origin: Source, segment: Segment, statement: Statement, report: Report) -> int | None:
    """The position of the caret: the shown line looked up in the statement."""
    excerpt, caret = report.excerpt, report.caret
    if excerpt.startswith("..."):
        excerpt, caret = excerpt[3:], caret - 3
    core = excerpt.removesuffix("...")
    text = origin.text[statement.head : statement.end].replace("\t", " ")
    found = text.find(core)
    if found < 0:
        core = core.split(";")[0]
        found = text.find(core) if core.strip() else -1
    return statement.head + found + caret if found >= 0 else None
