"""What a container writes, line by line with its time; a full file makes room for the next. Standard library only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO

LOG_LIMIT = 10_000_000
"""Bytes of a log file; one older one is kept beside it."""
LINE_LIMIT = 16_384


class LogFile:
    """Writes `path`; a line is "<Unix time> <o or e> <text>". What has no line end yet waits for it, each stream on its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._rests: dict[int, bytes] = {}

    def write(self, stream: int, number: int, data: bytes) -> bool:
        """Take in what came over a stream (`number` 1: stdout, 2: stderr); True when a line was written."""
        *lines, rest = (self._rests.pop(stream, b"") + data).split(b"\n")
        while len(rest) > LINE_LIMIT:
            lines.append(rest[:LINE_LIMIT])
            rest = rest[LINE_LIMIT:]
        if rest:
            self._rests[stream] = rest
        if lines:
            self._lines(number, lines)
        return bool(lines)

    def end(self, stream: int, number: int) -> None:
        """The stream has ended: what is left is a line too."""
        rest = self._rests.pop(stream, b"")
        if rest:
            self._lines(number, [rest])

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _lines(self, number: int, lines: list[bytes]) -> None:
        stamp = f"{time.time():.6f} {'o' if number == 1 else 'e'} ".encode()
        if self._file is None:
            self._file = self._path.open("ab", buffering=0)
        self._file.write(b"".join(stamp + line.removesuffix(b"\r") + b"\n" for line in lines))
        if self._file.tell() > LOG_LIMIT:
            self.close()
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
