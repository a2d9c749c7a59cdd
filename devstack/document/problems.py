"""Problems with the lines of the file they are about, and suggestions for mistyped words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from devstack.document.nodes import Node
from devstack.errors import Problem, Where

_WIDEST = 110
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|[^\s,:{}\[\]#]+')
# A value that is probably a password is not shown in an error: errors end up in CI logs.
_SECRET = re.compile(r"(?i)(?:password|passwd|secret|token|api_?key|private_?key)[\w-]*[\"']?\s*[:=]\s*(?=[^\s$])")


def excerpt(where: Where, source: str) -> tuple[str, ...]:
    """The line `where` points at and a line with carets under the word there; () when the place is not in `source`."""
    lines = source.split("\n") if where.line else []
    if where.line is None or not 0 < where.line <= len(lines):
        return ()
    text = lines[where.line - 1].rstrip("\r").lstrip("\ufeff") if where.line == 1 else lines[where.line - 1].rstrip("\r")
    hidden = _SECRET.search(text)
    token = _TOKEN.match(text, where.column - 1) if where.column else None
    width = len(token.group()) if token else 1
    if hidden:
        text = f"{text[: hidden.end()]}****"
        width = min(width, max(1, len(text) - (where.column or 1) + 1))
    start = 0
    if len(text) > _WIDEST:
        start = max(0, min((where.column or 1) - 40, len(text) - _WIDEST))
        text = text[start : start + _WIDEST]
    text = "".join(" " if char == "\t" else char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    lines_out = [f"{where.line:>5} | {text}"]
    if where.column:
        at = where.column - 1 - start
        lines_out.append(f"      | {' ' * at}{'^' * max(1, min(width, _WIDEST - at))}")
    return tuple(lines_out)


def problem(node_or_where: Node | Where, message: str, *, path: str = "", hint: str = "", source: str | None = None) -> Problem:
    """A problem at a node or place; with `source`, the text of the file, it shows the line."""
    where = node_or_where if isinstance(node_or_where, Where) else node_or_where.where
    return Problem(where, message, path, hint, () if source is None else excerpt(where, source))


def with_excerpts(problems: Iterable[Problem], sources: Mapping[str, str]) -> tuple[Problem, ...]:
    """The problems in order of place, each once, with their lines; `sources` maps a file as shown to its text."""
    shown: dict[Problem, None] = {}
    for item in problems:
        source = sources.get(item.where.file)
        shown[item if item.excerpt or source is None else replace(item, excerpt=excerpt(item.where, source))] = None
    return tuple(sorted(shown, key=lambda item: (item.where.file, item.where.line or 0, item.where.column or 0)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'did you mean "environment"?' for the nearest known word, "" when none is near."""
    reach = 1 if len(word) <= 3 else 2
    best, nearest = reach + 1, ""
    for candidate in known:
        if abs(len(candidate) - len(word)) > reach:
            continue
        distance = _distance(word.lower(), candidate.lower())
        if distance < best:
            best, nearest = distance, candidate
    return f'did you mean "{nearest}"?' if nearest else ""


def _distance(one: str, other: str) -> int:
    """Letters to add, drop, change or swap with a neighbour."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
