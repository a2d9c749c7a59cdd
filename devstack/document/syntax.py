"""The parser's complaints in words that say what to change, at the place where the mistake was made."""

from __future__ import annotations

import re
from typing import Any

from devstack.document.problems import excerpt
from devstack.errors import Problem, Where

_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: |$)", re.MULTILINE)


def conflict_marker(text: str, file: str) -> Problem | None:
    """The first git conflict marker of a file that cannot be read."""
    marker = _CONFLICT.search(text)
    if marker is None:
        return None
    where = Where(file, text.count("\n", 0, marker.start()) + 1, 1)
    return Problem(where, "a git conflict marker", hint="finish the merge", excerpt=excerpt(where, text))


def explain(error: Any, text: str, file: str) -> tuple[Where, str, str]:
    """(place, message, hint) for an error of PyYAML's parser."""
    context = str(getattr(error, "context", None) or "")
    said = str(getattr(error, "problem", None) or error)
    at = _place(getattr(error, "problem_mark", None), file)
    opened = _place(getattr(error, "context_mark", None), file) if getattr(error, "context_mark", None) else at
    lines = text.split("\n")
    line = lines[at.line - 1] if at.line and at.line <= len(lines) else ""
    rest = line[(at.column or 1) - 1 :]
    if "quoted scalar" in context and ("end of stream" in said or "document indicator" in said):
        return opened, "the quote that opens here is never closed", ""
    if "flow" in context and "did not find expected" in said:
        bracket = "{" if "mapping" in context else "["
        return opened, f"the bracket {bracket} that opens here is not closed", f"or a comma is missing before {at.line}:{at.column}"
    if "mapping values are not allowed" in said:
        hint = "quote the value" if line.count(": ") + line.rstrip().endswith(":") > 1 else "check the indentation"
        return at, 'a second ": " where a value was expected' if hint == "quote the value" else 'a ":" where none can be', hint
    if "could not find expected ':'" in said:
        return opened, 'this is not "key: value"', 'put ": " after the key'
    if rest.startswith("\t") or line[: len(line) - len(line.lstrip())].count("\t"):
        return at, "a tab cannot be used for indentation", "use spaces"
    if "cannot start any token" in said:
        return at, f"a value cannot begin with {rest[:1]!r}", "quote it"
    if "did not find expected key" in said or "did not find expected '-'" in said:
        return at, "the indentation does not fit what stands above", f"what it belongs to begins on line {opened.line}"
    if "block sequence entries are not allowed" in said:
        return at, "a list item cannot begin here", "put it on a line of its own, indented under its key"
    if "comment or line break" in said:
        return at, "only a comment can follow | or > on its line", "begin the text on the next line"
    if "did not find expected node content" in said:
        return at, f"a value is expected before {rest[:1]!r}" if rest else "a value is expected here", ""
    if "whitespace or line break" in said or "found unexpected ':'" in said:
        return at, f"unexpected {rest[:1]!r}" if rest else "unexpected end of the line", "quote the value"
    if "unknown escape character" in said:
        return at, "unknown escape after the backslash", "double the backslash, or use single quotes"
    if "incompatible YAML document" in said:
        return at, "a YAML version other than 1.1 and 1.2 is asked for", "remove the %YAML line"
    return at, f"{said}{f' {context}' if context else ''}", ""


def _place(mark: Any, file: str) -> Where:
    return Where(file, mark.line + 1, mark.column + 1) if mark is not None else Where(file)
