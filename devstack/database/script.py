"""A SQL file ready to run: the stretches that are sent as one message, the statements in them, and what stands between them.

A script is read from one file and those that it includes; each has its `Source`. All offsets are characters of a source's text, which
has LF line ends and no byte order mark.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devstack.database.source import Source

Special = Literal["", "not-in-transaction", "control"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: `head` is where its first word stands, `end` is past its semicolon; `closed` False: it has none."""

    source: Source
    head: int
    end: int
    special: Special = ""
    closed: bool = True

    @property
    def text(self) -> str:
        return self.source.text[self.head : self.end]


@dataclass(frozen=True, slots=True)
class Edit:
    """What is sent in the place of a stretch of the file: a variable's value."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Segment:
    """SQL that is sent as one message.

    When its last statement is COPY FROM stdin, the data are the lines of the range `copy`, or the file `data` (path, name as shown).
    `edits` are in order and do not overlap.
    """

    source: Source
    start: int
    end: int
    statements: tuple[Statement, ...]
    copy: tuple[int, int] | None = None
    data: tuple[Path, str] | None = None
    edits: tuple[Edit, ...] = ()

    @property
    def message(self) -> str:
        """The text that is sent."""
        if not self.edits:
            return self.source.text[self.start : self.end]
        pieces, position = [], self.start
        for edit in self.edits:
            pieces += [self.source.text[position : edit.start], edit.text]
            position = edit.end
        return "".join([*pieces, self.source.text[position : self.end]])

    def position(self, offset: int) -> int:
        """Where in the file the character at `offset` of the message comes from."""
        shift = self.start
        for edit in self.edits:
            if offset + shift < edit.start:
                break
            if offset + shift < edit.start + len(edit.text):
                return edit.start
            shift += edit.end - edit.start - len(edit.text)
        return offset + shift

    def alone(self, statement: Statement) -> Segment:
        """One of its statements as a segment of its own."""
        last = statement is self.statements[-1]
        edits = tuple(edit for edit in self.edits if statement.head <= edit.start < statement.end)
        return Segment(
            self.source,
            statement.head,
            statement.end,
            (statement,),
            self.copy if last else None,
            self.data if last else None,
            edits,
        )


@dataclass(frozen=True, slots=True)
class Say:
    r"""Words that the file says when it comes here: \echo, \qecho, \warn."""

    text: str


@dataclass(frozen=True, slots=True)
class Connect:
    r"""What follows goes to another database of the server: \connect."""

    database: str
    source: Source
    position: int


Item = Segment | Say | Connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A SQL file ready to run.

    `transactional` says whether it runs as one transaction; `why` says why not. `engine` is "psql" where the file has commands that
    only psql can carry out; then `needs` names them. `files` are the files that it includes or copies data from, by the names they
    are shown by. `timeout` and `lock_timeout` are seconds, None where the file's header does not say.
    """

    source: Source
    items: tuple[Item, ...]
    transactional: bool = True
    why: str = ""
    engine: Literal["native", "psql"] = "native"
    needs: tuple[str, ...] = ()
    files: tuple[tuple[str, Path], ...] = ()
    timeout: float | None = None
    lock_timeout: float | None = None

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def text(self) -> str:
        return self.source.text

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(item for item in self.items if isinstance(item, Segment))

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(statement for segment in self.segments for statement in segment.statements)

    def slice(self, statement: Statement) -> str:
        return statement.text


def checksum(data: bytes) -> str:
    """The ledger's checksum of one file: SHA-256 without the byte order mark, CRLF read as LF."""
    body = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n")
    return "sha256-lf:" + hashlib.sha256(body).hexdigest()
