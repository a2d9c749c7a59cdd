"""What a shell is fed with -f: the files one after the other as its stdin, and its messages with the files' own names."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from devstack.errors import UsageError

_TAIL = 4096
_PLACE = re.compile(rb"psql:<stdin>:(\d+):")


@contextmanager
def sources(files: Sequence[Path]) -> Iterator[tuple[BinaryIO | None, BinaryIO | None]]:
    """(stdin, stderr) for the shell; None is our own."""
    if not files:
        yield None, None
        return
    for file in files:
        if str(file) != "-" and not file.is_file():
            hint = "a devstack.yml is named with --file" if file.suffix in (".yml", ".yaml") else ""
            raise UsageError(f"{file}: no such file", hints=[hint] if hint else [])
        if file.suffix in (".yml", ".yaml"):
            raise UsageError(f"-f {file}: SQL is expected here", hints=[f"--file {file}"])
    with tempfile.TemporaryFile(buffering=0) as together:
        starts: list[int] = []
        lines = 1
        for file in files:
            starts.append(lines)
            before = together.tell()
            if str(file) == "-":
                shutil.copyfileobj(sys.stdin.buffer, together)
            else:
                with file.open("rb") as part:
                    shutil.copyfileobj(part, together)
            together.write(_ending(together, before))
            lines += _count_lines(together, before)
        together.seek(0)
        # A reader of its own: what is buffered and where the file stands must not be mixed up.
        with os.fdopen(os.dup(together.fileno()), "rb") as reader:
            told = _Named(sys.stderr.buffer, [str(file) for file in files], starts)
            try:
                yield reader, told  # type: ignore[misc]
            finally:
                told.finish()


def _ending(file: IO[bytes], start: int) -> bytes:
    """What ends a statement that a file leaves open, as the end of the file does for psql. (An empty one after COPY would end psql.)"""
    end = file.tell()
    file.seek(max(start, end - _TAIL))
    tail = file.read().rstrip()
    return b"\n" if tail.endswith((b";", b"\\.")) or not tail else b"\n;\n"


def _count_lines(file: IO[bytes], start: int) -> int:
    file.seek(start)
    count = 0
    while chunk := file.read(1 << 20):
        count += chunk.count(b"\n")
    return count


class _Named:
    """stderr, with psql's `<stdin>:7` told as the file and line that it is."""

    def __init__(self, target: BinaryIO, names: list[str], starts: list[int]) -> None:
        self._target = target
        self._names = names
        self._starts = starts
        self._pending = b""

    def write(self, data: bytes) -> int:
        """Whole lines only: psql writes a message in pieces."""
        lines, end, self._pending = (self._pending + data).rpartition(b"\n")
        self._target.write(_PLACE.sub(self._place, lines + end))
        return len(data)

    def finish(self) -> None:
        self._target.write(self._pending)
        self._target.flush()

    def flush(self) -> None:
        self._target.flush()

    def _place(self, found: re.Match[bytes]) -> bytes:
        line = int(found.group(1))
        number = max(0, bisect_right(self._starts, line) - 1)
        return f"psql:{self._names[number]}:{line - self._starts[number] + 1}:".encode()
