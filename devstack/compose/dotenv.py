"""Env files: `.env`, `--env-file`, `env_file:`, `label_file:`. Read as Compose reads them, and edited without losing a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from devstack.compose.template import Lookup, expand
from devstack.document.encoding import decode
from devstack.errors import Problem, SpecError, Where

_NAME = re.compile(r"[\w.\-\[\]]+")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=-]+\Z")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", '"': '"', "\\": "\\"}
_LONGEST = 40
"""Letters of a name that are shown: what is longer is rather a line of a key that has several."""
# What stands for an escaped dollar until variables are expanded; no text of a file holds it (NUL is refused).
_DOLLAR = "\x00"


def _nothing(_: str) -> str | None:
    return None


@dataclass(slots=True)
class Assignment:
    """One `NAME=value` of a file: `raw` is the value without quotes and unexpanded, None for a name that is inherited.

    `start` and `end` enclose the whole statement in the text, without its line end. `quote` is "", "'" or '"'.
    """

    name: str
    raw: str | None
    quote: str
    line: int
    start: int
    end: int


@dataclass(slots=True)
class _Scan:
    text: str
    file: str
    problems: list[Problem] = field(default_factory=list)

    def fail(self, offset: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.where(offset), message, hint=hint))

    def where(self, offset: int) -> Where:
        return Where(self.file, self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset))

    def assignments(self) -> Iterator[Assignment]:
        position = 0
        while position < len(self.text):
            end = self.text.find("\n", position)
            end = len(self.text) if end < 0 else end
            line = self.text[position:end]
            bare = line.strip()
            if not bare or bare.startswith("#"):
                position = end + 1
                continue
            start = position + len(line) - len(line.lstrip())
            found, position = self._statement(start, end)
            if found is not None:
                yield found

    def _statement(self, start: int, end: int) -> tuple[Assignment | None, int]:
        """One statement and where the next line begins."""
        text = self.text
        at = start
        if exported := re.compile(r"export[ \t]+").match(text, at, end):
            at = exported.end()
        line = text.count("\n", 0, start) + 1
        rest = text[at:end].rstrip()
        name = _NAME.match(text, at, end)
        if name is not None and name.group() == rest:
            return Assignment(rest, None, "", line, start, end), end + 1
        separator = re.compile(r"[ \t]*[=:]").match(text, name.end(), end) if name else None
        if name is None or separator is None:
            self._bad_name(at, rest)
            return None, end + 1
        value = re.compile(r"[^\S\n]*").match(text, separator.end(), end)
        begin = value.end() if value else separator.end()
        if text[begin : begin + 1] in ("'", '"') and begin < end:
            return self._quoted(name.group(), line, start, begin)
        raw = text[begin:end].strip()
        raw = raw.partition(" #")[0].rstrip()
        return Assignment(name.group(), raw, "", line, start, end), end + 1

    def _bad_name(self, at: int, rest: str) -> None:
        name = re.split(r"[=:]", rest, maxsplit=1)[0]
        if not name:
            self.fail(at, "a name is missing before the equals sign")
        elif not ("=" in rest or ":" in rest):
            self.fail(at, "this is not NAME=value", "quote a value that has several lines, or begin a comment with #")
        elif len(name) > _LONGEST:
            self.fail(at, "this is not NAME=value", "quote a value that has several lines")
        elif " " in name.strip():
            self.fail(at, f"the name {name.strip()!r} holds a space")
        else:
            odd = next((char for char in name if not _NAME.fullmatch(char)), name[0])
            self.fail(at, f"the name {name.strip()!r} holds {odd!r}", "names are letters, digits and underscores")

    def _quoted(self, name: str, line: int, start: int, begin: int) -> tuple[Assignment | None, int]:
        text = self.text
        quote = text[begin]
        close = begin + 1
        while close < len(text) and text[close] != quote:
            close += 2 if text[close] == "\\" else 1
        if close >= len(text):
            self.fail(begin, f"the quote {quote} that opens here is never closed")
            return None, len(text)
        end = text.find("\n", close)
        end = len(text) if end < 0 else end
        after = text[close + 1 : end].strip()
        if after and not after.startswith("#"):
            self.fail(close + 1, "unexpected text after the closing quote", "put the whole value into quotes")
        return Assignment(name, text[begin + 1 : close], quote, line, start, end), end + 1


def parse(
    text: str,
    file: str,
    lookup: Lookup = _nothing,
    warn: Callable[[str], None] = lambda _: None,
    defaults: Mapping[str, str | None] = MappingProxyType({}),
) -> dict[str, str | None]:
    """The variables of an env file, expanded; the value None is a name alone that `lookup` does not know either.

    `lookup` is the environment around the file: it wins over what stands earlier in the file, and that over `defaults`, the
    files before. `warn` gets the names of unset variables. Raises `SpecError` with every problem; a value is never part of one.
    """
    scan = _Scan(decode(text, file), file)
    values: dict[str, str | None] = {}

    def known(name: str) -> str | None:
        value = lookup(name)
        return values.get(name, defaults.get(name)) if value is None else value

    for item in scan.assignments():
        values[item.name] = lookup(item.name) if item.raw is None else _value(item, scan, known, warn)
    if scan.problems:
        raise SpecError(scan.problems)
    return values


def _value(item: Assignment, scan: _Scan, lookup: Lookup, warn: Callable[[str], None]) -> str:
    raw = item.raw or ""
    if item.quote == "'":
        return raw.replace("\\'", "'")
    if item.quote:
        raw = _ESCAPE.sub(_unescape, raw)

    def fail(message: str, _: int) -> None:
        # What begins like a variable and is none may be the end of a password.
        said = message if message.startswith("required variable") else "${ begins no variable here"
        hint = "" if said == message else "write ${NAME}, or put the value into single quotes"
        scan.problems.append(Problem(Where(scan.file, item.line, 1), said, item.name, hint))

    return expand(raw, lookup, warn=warn, fail=fail).replace(_DOLLAR, "$")


def _unescape(match: re.Match[str]) -> str:
    char = match[1]
    return _DOLLAR if char == "$" else _ESCAPES.get(char, match[0])


def parse_raw(text: str, file: str, lookup: Lookup = _nothing) -> dict[str, str | None]:
    """The variables of a file with `format: raw`: everything after the first equals sign, as it stands."""
    values: dict[str, str | None] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, separator, value = line.lstrip().partition("=")
        if not name or re.search(r"\s", name):
            message = f"the name {name!r} holds a space" if name else "a name is missing before the equals sign"
            problems.append(Problem(Where(file, number, 1), message))
        else:
            values[name] = value if separator else lookup(name)
    if problems:
        raise SpecError(problems)
    return values


def quote(value: str) -> str:
    """How `value` is written in an env file so that Compose, devstack and `sh` read it back.

    One exception: `sh` would run what stands in backquotes when the value also needs double quotes (it holds an apostrophe).
    """
    if _BARE.match(value):
        return value
    if "'" not in value and not ("\\" in value and ("`" not in value or value.endswith("\\"))):
        return f"'{value}'"
    return '"' + re.sub(r'([\\"$])', r"\\\1", value) + '"'


class EnvFile:
    """A `.env` as text that is edited in place: unknown content, order and comments stay."""

    def __init__(self, text: str = "", file: str = ".env") -> None:
        """Raises `SpecError` when the text is no env file."""
        self._file = file
        self._text = text.removeprefix("\ufeff")
        self._assignments()

    def _assignments(self) -> list[Assignment]:
        scan = _Scan(self._text, self._file)
        found = list(scan.assignments())
        if scan.problems:
            raise SpecError(scan.problems)
        return found

    def values(self, lookup: Lookup = _nothing) -> dict[str, str | None]:
        return parse(self._text, self._file, lookup)

    def get(self, name: str) -> str | None:
        """The value of `name` as it is read, None when it is missing."""
        return self.values().get(name)

    def __contains__(self, name: str) -> bool:
        return any(item.name == name for item in self._assignments())

    def set(self, name: str, value: str) -> None:
        """Change the last assignment of `name` where it stands, or add one at the end."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a variable")
        for item in reversed(self._assignments()):
            if item.name == name:
                self._text = f"{self._text[: item.start]}{name}={quote(value)}{self._text[item.end :]}"
                return
        self.append({name: value})

    def append(self, values: Mapping[str, str], comment: str = "") -> None:
        """Add the variables that are missing at the end, under a comment line; those that are there stay as they are."""
        missing = {name: value for name, value in values.items() if name not in self}
        if not missing:
            return
        if self._text and not self._text.endswith("\n"):
            self._text += "\n"
        if comment:
            self._text += "".join(f"# {line}\n" for line in comment.splitlines())
        self._text += "".join(f"{name}={quote(value)}\n" for name, value in missing.items())

    def remove(self, name: str) -> None:
        """Drop every assignment of `name` with its line."""
        for item in reversed(self._assignments()):
            if item.name == name:
                start = self._text.rfind("\n", 0, item.start) + 1
                self._text = self._text[:start] + self._text[item.end + 1 :]

    def text(self) -> str:
        return self._text
