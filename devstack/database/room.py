"""Room on the disk that a server writes to: how much there is, whether a copy fits, and the words when it is full.

PostgreSQL survives a full disk when it is a table that cannot grow, and stops itself when it is the log. So a copy is refused beforehand
where it does not fit, and an error is looked at for what is behind it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from devstack.compose.roles import Postgres
from devstack.database.outcome import ConnectionLost, StatementRefused
from devstack.engine.base import Container, Engine
from devstack.errors import DatabaseError, DeadlinePassed, DevstackError, Exit, SqlError

SEGMENT = 16 << 20
"""Bytes of a file of the server's log, which it makes whole before it writes to it."""
_STATE = "53100"
_SAID = ("No space left on device", "Disk quota exceeded")
_COUNTS = re.compile(r"\s(\d+)\s+\d+\s+(-?\d+)\s+(?:-|\d+%)\s")
_TAIL = 40


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes on a disk, as `df` counts them."""

    free: int
    total: int

    def __str__(self) -> str:
        return f"{_megabytes(self.free)} free of {_megabytes(self.total)}"


@dataclass(frozen=True, slots=True)
class Disk:
    """What a server's data lie on, in the container that it runs in."""

    engine: Engine
    container: Container
    role: Postgres

    @property
    def name(self) -> str:
        """The volume or folder of the host that is mounted there, the container's own files where there is none."""
        place = PurePosixPath(self.role.data_target)
        over = [m for m in self.container.mounts if PurePosixPath(m.target) in (place, *place.parents)]
        mount = max(over, key=lambda m: len(m.target), default=None)
        if mount is None:
            return f"the files of container {self.container.name}"
        return f"volume {mount.name}" if mount.name else mount.source or f"{mount.type} at {mount.target}"

    def room(self) -> Room | None:
        """None when that cannot be asked: the container has stopped, or has no `df`."""
        try:
            result = self.engine.exec(self.container.id, ["df", "-Pk", self.role.data_target])
        except DevstackError:
            return None
        found = _COUNTS.search(result.stdout.decode(errors="replace"))
        return Room(int(found[2]) * 1024, int(found[1]) * 1024) if found else None

    def must_hold(self, size: int, what: str) -> Room | None:
        """The room there is. Raises DatabaseError "disk-full" when so many bytes, and a piece of the server's log, do not fit."""
        room = self.room()
        needed = size + SEGMENT
        if room is None or room.free >= needed:
            return room
        raise DatabaseError(
            f"the disk of {self.role.service} has no room for {what}",
            details=[("disk", f"{self.name}: {room}"), ("needed", _megabytes(needed)), ("state", "nothing was begun")],
            hints=self.hints(runs=True),
            code="disk-full",
        )

    def hints(self, *, runs: bool) -> list[str]:
        """What to do when it is full; `runs`: the server does."""
        first = "devstack db prune   (names the copies beside the live data with their sizes, and takes them away)"
        more = f"make room on what {self.name} lies on, or make that larger"
        look = (
            ["docker system df   (what takes the engine's disk)"] if not self.engine.info.endpoint.url.startswith("native") else []
        )
        return [first, *look, more] if runs else [*look, f"{more}; then devstack up"]


@contextmanager
def telling(disk: Disk) -> Iterator[None]:
    """An error that comes of a full disk says so: which disk, what is free, what state the data are in, what to do."""
    begun = time.time()
    try:
        yield
    except DevstackError as error:
        if error.code != "disk-full" and _is_full(error, disk, begun):
            _explain(error, disk)
        raise


def _is_full(error: DevstackError, disk: Disk, begun: float) -> bool:
    if error.code == f"sql {_STATE}" or (isinstance(error, StatementRefused) and error.fault.sqlstate == _STATE):
        return True
    if is_said(error) and (isinstance(error, (DatabaseError, SqlError)) or error.code == "schema-tool"):
        return True  # of others it may be this machine's disk, as of a dump that cannot be written
    return _is_gone(error) and _says_so("\n".join(_log(disk, begun)))


def is_said(error: DevstackError) -> bool:
    """Whether the words of an error name a full disk."""
    return _says_so("\n".join([error.message, *(text for _, text in error.details)]))


def _is_gone(error: DevstackError) -> bool:
    """Whether the server went away or is not there any more: it may have stopped itself."""
    silent = isinstance(error, DatabaseError) and not isinstance(error, StatementRefused) and "does not answer" in error.message
    return isinstance(error, (ConnectionLost, DeadlinePassed)) or silent


def _log(disk: Disk, begun: float) -> list[str]:
    """The server's last lines: of now when it runs, for older ones may be of another time."""
    try:
        since = begun if disk.engine.inspect(disk.container.id).running else None
        return [line.text for line in disk.engine.logs(disk.container.id, tail=_TAIL, since=since)]
    except DevstackError:
        return []  # the error is told without what the server said about it


def _says_so(text: str) -> bool:
    return any(words in text for words in _SAID)


def _explain(error: DevstackError, disk: Disk) -> None:
    room = disk.room()  # of a container that stopped nobody can say
    service = disk.role.service
    error.message = f"the disk of {service} is full: {error.message}"
    again = " again, now that what was begun is taken back" if room and room.free >= SEGMENT else ""
    error.details = (*error.details, ("disk", f"{disk.name}: {room}{again}" if room else disk.name))
    gone = _is_gone(error)
    if gone:
        words = f"{service} could not write its log and stopped itself; what was committed is on the disk, and nothing else"
        error.details = (*error.details, ("state", words))
    error.hints = tuple(disk.hints(runs=room is not None and not gone))
    error.code, error.exit = "disk-full", Exit.FAILED


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
