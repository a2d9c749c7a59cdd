"""A SQL file ready to run: its text, the stretches that are sent as one message, and the statements in them.

All offsets are characters of `Script.text`, which has LF line ends and no byte order mark.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from devstack.database.source import Source

Special = Literal["", "not-in-transaction", "control"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: `head` is where its first word stands, `end` is past its semicolon."""

    head: int
    end: int
    special: Special = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """SQL that is sent as one message. `copy` is the range of data lines when its last statement is COPY FROM stdin."""

    start: int
    end: int
    statements: tuple[Statement, ...]
    copy: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A SQL file ready to run. `name` is how it is shown. `transactional` False: `-- devstack: transaction=none` stands on top."""

    name: str
    text: str
    segments: tuple[Segment, ...]
    transactional: bool = True

    @property
    def source(self) -> Source:
        return Source(self.name, self.text)

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(statement for segment in self.segments for statement in segment.statements)

    def slice(self, statement: Statement) -> str:
        return self.text[statement.head : statement.end]


def checksum(data: bytes) -> str:
    """The ledger's checksum: SHA-256 without the byte order mark, CRLF read as LF."""
    body = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n")
    return "sha256-lf:" + hashlib.sha256(body).hexdigest()
