"""The text of a SQL file: read and decoded strictly, offsets turned into lines and columns, and the words of its problems."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import Problem, SpecError, Where

MAX_BYTES = 1 << 30
_MARGIN = 2
_WIDTH = 110

LOOKALIKES = {
    "\u00a0": " ", "\u2002": " ", "\u2003": " ", "\u2009": " ", "\u202f": " ", "\u3000": " ",
    "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "",
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "--", "\uff1b": ";",
}  # fmt: skip
"""Characters that look like plain ones or like nothing, and what was meant. The server would take them as part of a name."""

_QUOTED_OR_COMMENT = re.compile(r"""('(?:[^']+|'')*+'|"(?:[^"]+|"")*+")|--[^\n]*|/\*.*?\*/""", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A file's name as shown and its text. Positions count characters from 0.

    `included_from` are the places of the commands that included it, the nearest first.
    """

    name: str
    text: str
    included_from: tuple[Where, ...] = ()

    def where(self, position: int) -> Where:
        line_start = self.text.rfind("\n", 0, position) + 1
        return Where(self.name, self.text.count("\n", 0, position) + 1, position - line_start + 1)

    def excerpt(self, position: int, *, caret: bool = True) -> tuple[str, ...]:
        """The line of the position with two before it and a caret below."""
        where = self.where(position)
        last = where.line or 1
        start = position
        for _ in range(_MARGIN + 1):
            start = self.text.rfind("\n", 0, start)
            if start < 0:
                break
        shown = self.text[start + 1 : self._line_end(position)].split("\n")
        first = last - len(shown) + 1
        lines = [f"{number:>5} | {_cropped(line, 0)}" for number, line in enumerate(shown[:-1], first)]
        offset = max(0, (where.column or 1) - _WIDTH + 20) if len(shown[-1]) > _WIDTH else 0
        lines.append(f"{last:>5} | {_cropped(shown[-1], offset)}")
        if caret:
            before = shown[-1][offset : (where.column or 1) - 1]
            lines.append("      | " + "".join(c if c == "\t" else " " for c in before) + "^")
        return tuple(lines)

    def at(self, line: int, column: int = 1) -> int:
        """The position of a line and column."""
        position = 0
        for _ in range(line - 1):
            position = self.text.find("\n", position) + 1
            if position == 0:
                return len(self.text)
        return min(position + column - 1, len(self.text))

    def _line_end(self, position: int) -> int:
        end = self.text.find("\n", position)
        return end if end >= 0 else len(self.text)


def _cropped(line: str, offset: int) -> str:
    part = line[offset : offset + _WIDTH]
    return part if len(line) <= offset + _WIDTH else part + "…"


def read(path: Path, name: str) -> bytes:
    """The file's bytes. Raises SpecError when it is no readable regular file of a sane size."""
    try:
        if not path.is_file():
            raise _refused(name, "there is no such file" if not path.exists() else "is not a regular file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _refused(name, f"is {size >> 20} MB, too big for a schema file", "load data with devstack db-shell < FILE")
        return path.read_bytes()
    except OSError as error:
        raise _refused(name, f"cannot be read: {error.strerror}") from None


def decode(data: bytes, name: str) -> str:
    """The text without byte order mark and with LF line ends. Raises SpecError for what is not clean UTF-8."""
    for mark, encoding in ((b"\xff\xfe", "UTF-16LE"), (b"\xfe\xff", "UTF-16BE")):
        if data.startswith(mark):
            raise _refused(name, f"is {encoding}, not UTF-8", _convert("UTF-16", name), line=1)
    data = data.removeprefix(b"\xef\xbb\xbf")
    zero = data.find(b"\0")
    if zero >= 0:
        raise _zero_byte(data, zero, name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(data, error.start, name) from None
    return text.replace("\r\n", "\n") if "\r" in text else text


def _zero_byte(data: bytes, offset: int, name: str) -> SpecError:
    if any(len(half) >= 4 and half.count(0) > len(half) // 2 for half in (data[0::2], data[1::2])):
        return _refused(name, "looks like UTF-16, not UTF-8", _convert("UTF-16LE", name), line=1)
    message = f"NUL byte at offset {offset}: everything after it would be dropped silently"
    return _refused(name, message, "remove it", line=data.count(b"\n", 0, offset) + 1, column=_column(data, offset))


def _not_utf8(data: bytes, offset: int, name: str) -> SpecError:
    guess = "WINDOWS-1252" if data[offset] >= 0xA0 or data[offset] in (0x80, 0x91, 0x92, 0x93, 0x94, 0x96, 0x97) else "?"
    hint = "it looks like Latin-1: " + _convert(guess, name) if guess != "?" else "save the file as UTF-8"
    message = f"byte 0x{data[offset]:02x} at offset {offset} is not UTF-8"
    return _refused(name, message, hint, line=data.count(b"\n", 0, offset) + 1, column=_column(data, offset))


def _column(data: bytes, offset: int) -> int:
    start = data.rfind(b"\n", 0, offset) + 1
    return len(data[start:offset].decode("utf-8", "replace")) + 1


def _convert(encoding: str, name: str) -> str:
    return f"iconv -f {encoding} -t UTF-8 {name} > fixed.sql"


def _refused(name: str, message: str, hint: str = "", line: int | None = None, column: int | None = None) -> SpecError:
    return SpecError([Problem(Where(name, line, column), message, hint=hint)])


def without_comments(text: str) -> str:
    """SQL with comments dropped and runs of blanks outside quotes made one space."""
    pieces = []
    position = 0
    for found in _QUOTED_OR_COMMENT.finditer(text):
        pieces.append(re.sub(r"\s+", " ", text[position : found.start()]))
        pieces.append(found.group(1) or " ")
        position = found.end()
    pieces.append(re.sub(r"\s+", " ", text[position:]))
    return re.sub(r" {2,}", " ", "".join(pieces)).strip()


def lookalike_problem(character: str) -> tuple[str, str]:
    """Message and hint for one of `LOOKALIKES`."""
    name = unicodedata.name(character, "").lower()
    meant = LOOKALIKES[character]
    instead = f"write {meant} instead" if meant.strip() else "write a plain space instead" if meant else "remove it"
    return f"U+{ord(character):04X} ({name}) outside quotes", instead
