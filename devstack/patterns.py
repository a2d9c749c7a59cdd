"""Ignore patterns as `.dockerignore` has them: `*` within a name, `**` across folders, `!` takes back, the last match wins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Patterns:
    """Patterns for paths below one folder, written with slashes."""

    lines: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> Patterns:
        """The lines of a file; `#` begins a comment."""
        return cls(tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")))

    @cached_property
    def _compiled(self) -> tuple[tuple[bool, re.Pattern[str]], ...]:
        return tuple((line.startswith("!"), _compile(line.removeprefix("!").strip())) for line in self.lines)

    @property
    def takes_back(self) -> bool:
        """Whether something inside an ignored folder may still count."""
        return any(negated for negated, _ in self._compiled)

    def match(self, path: str) -> bool:
        """Whether a path, or a folder it lies in, is matched."""
        matched = False
        for negated, pattern in self._compiled:
            if pattern.match(path):
                matched = not negated
        return matched


def any_of(lines: Iterable[str]) -> Patterns:
    return Patterns(tuple(lines))


def _compile(line: str) -> re.Pattern[str]:
    """A pattern that matches the path itself and all below it."""
    text = line.strip("/")
    text = text.removeprefix("./")
    found, position = "", 0
    while position < len(text):
        char = text[position]
        if text.startswith("**/", position):
            found, position = found + "(?:.*/)?", position + 3
        elif text.startswith("**", position):
            found, position = found + ".*", position + 2
        elif char == "*":
            found, position = found + "[^/]*", position + 1
        elif char == "?":
            found, position = found + "[^/]", position + 1
        elif char == "[" and (end := text.find("]", position + 2)) > 0:
            inner = text[position + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            found, position = found + f"[{inner}]", end + 1
        elif char == "\\" and position + 1 < len(text):
            found, position = found + re.escape(text[position + 1]), position + 2
        else:
            found, position = found + re.escape(char), position + 1
    if text in ("", "."):
        return re.compile(r".*", re.DOTALL)
    return re.compile(rf"{found}(?:/.*)?\Z", re.DOTALL)
