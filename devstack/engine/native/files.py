"""Files of containers as tar streams, copies of volumes, and what a container wrote."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from devstack.engine.base import LogLine, PathStat
from devstack.engine.native.records import Box
from devstack.engine.tars import plain_tar
from devstack.errors import EngineRefused, NotFound
from devstack.tarfiles import tarfile

CHUNK = 1 << 20


def stat(path: Path, shown: str) -> PathStat | None:
    """What stands at a path."""
    try:
        info = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    link = str(path.readlink()) if path.is_symlink() else ""
    name = shown.rstrip("/").rsplit("/", 1)[-1] or "/"
    return PathStat(name=name, is_folder=path.is_dir() and not link, size=info.st_size, mode=info.st_mode & 0o7777, link=link)


def packed(path: Path, shown: str) -> Iterator[bytes]:
    """A tar of a file or folder under its last name, piece by piece."""
    if not path.exists() and not path.is_symlink():
        raise NotFound(f"Could not find the file {shown} in container", status=404)
    reader, writer = os.pipe()
    name = shown.rstrip("/").rsplit("/", 1)[-1] or "."
    # A process of its own: a thread of ours would keep the pipe open when whoever reads stops half-way.
    child = subprocess.Popen(
        ("tar", "-cf", "-", "-C", str(path.parent), f"--transform=s,^{path.name},{name},", path.name)
        if path.name != name
        else ("tar", "-cf", "-", "-C", str(path.parent), path.name),
        stdout=writer, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        while data := stream.read(CHUNK):
            yield data
    if child.wait() > 1:
        raise EngineRefused(f"{shown} cannot be read")


def unpack(folder: Path, shown: str, data: Iterable[bytes]) -> None:
    """Unpack a plain tar in a folder; nothing of it may lead out of there."""
    stream = plain_tar(data)
    if not folder.is_dir():
        raise NotFound(f"Could not find the file {shown} in container", status=404)
    with tarfile.open(fileobj=_Stream(stream), mode="r|") as tar:
        try:
            tar.extractall(folder, filter=_contained)
        except tarfile.FilterError as error:
            raise EngineRefused(f"the archive leads out of {shown}: {error}") from error


def _contained(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    found = tarfile.data_filter(member, folder)
    # Set-user bits and strangers' ownership mean nothing here; modes of the files do.
    return found if member.isdir() else replace_mode(found, member.mode)


def replace_mode(member: tarfile.TarInfo, mode: int) -> tarfile.TarInfo:
    return member.replace(mode=mode & 0o777, deep=False)


class _Stream(io.RawIOBase):
    """Pieces of bytes as a file that can be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return 0
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def copy_tree(source: Path, target: Path) -> None:
    """All of a folder into an empty one, owners and modes kept; without copying bytes where the file system can."""
    words = ("cp", "-a", "--reflink=auto") if shutil.which("cp") and os.uname().sysname == "Linux" else ("cp", "-a")
    done = subprocess.run((*words, f"{source}/.", str(target)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EngineRefused(f"the volume could not be copied: {done.stderr.strip()[-500:]}")


def log_lines(box: Box, *, tail: int | None, since: float | None, until: float | None, timestamps: bool) -> Iterator[LogLine]:
    """What stands in the log now, the older file first."""
    lines = (line for path in (box.log.with_name("log.1"), box.log) if path.exists() for line in _lines(path))
    chosen = (line for line in lines if (since or 0.0) <= line.time <= (until or line.time))
    kept = chosen if tail is None else iter(deque(chosen, maxlen=max(tail, 0)))
    return kept if timestamps else (replace(line, time=0.0) for line in kept)


def _lines(path: Path) -> Iterator[LogLine]:
    with path.open("rb") as file:
        for raw in file:
            if raw.endswith(b"\n"):
                yield line_of(raw)


def line_of(raw: bytes) -> LogLine:
    """One record of a log file."""
    stamp, stream, text = raw[:-1].split(b" ", 2)
    return LogLine(text.decode(errors="replace"), "stdout" if stream == b"o" else "stderr", float(stamp))


class Follower:
    """Gives the lines that were written since it was asked last, over the change to a new file."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._position = 0
        self._file = 0

    def new(self) -> Iterator[LogLine]:
        try:
            file = self._box.log.open("rb")
        except FileNotFoundError:
            return
        with file:
            number = os.fstat(file.fileno()).st_ino
            if number != self._file:
                yield from self._rest_of_old()
                self._file, self._position = number, 0
            file.seek(self._position)
            yield from self._lines(file)

    def _rest_of_old(self) -> Iterator[LogLine]:
        old = self._box.log.with_name("log.1")
        if self._file and old.exists() and old.stat().st_ino == self._file:
            with old.open("rb") as file:
                file.seek(self._position)
                yield from self._lines(file)

    def _lines(self, file: BinaryIO) -> Iterator[LogLine]:
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            self._position += len(raw)
            yield line_of(raw)


def followed(
    box: Box,
    stream: AbstractContextManager[Iterator[dict[str, Any]]],
    *,
    tail: int | None,
    since: float | None,
    until: float | None,
    timestamps: bool,
) -> Iterator[LogLine]:
    """What stands in the log and what is written to it, until the container ends; `stream` tells when to look."""
    with stream as heard:
        follower = Follower(box)
        there = [line for line in follower.new() if (since or 0.0) <= line.time]
        lines = iter(there if tail is None else there[len(there) - min(tail, len(there)) :])
        ended = box.life().state not in ("running", "paused", "restarting")
        while True:
            for line in lines:
                if line.time <= (until or line.time):
                    yield line if timestamps else replace(line, time=0.0)
            if ended:
                return
            event = next(heard, None)
            ended = event is None or (event["action"] in ("die", "destroy") and box.life().state != "restarting")
            lines = follower.new()
