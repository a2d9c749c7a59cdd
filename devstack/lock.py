"""One devstack command at a time on a project: a `flock`, which the kernel drops when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from devstack.errors import DevstackError, Locked

POLL = 0.05
SAY_AFTER = 1.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: process id, its command line, the project's folder, since when (Unix seconds), and whether it came to its end."""

    pid: int
    command: str
    directory: str
    since: float
    done: bool = False

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid}, for {max(0.0, time.time() - self.since):.0f} s, in {self.directory})"


def folder() -> Path:
    """Where this user's locks are: one folder for all of the user's shells, on the machine's own disk."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    path = Path(base) / "devstack" if base else Path(tempfile.gettempdir()) / f"devstack-{os.getuid()}"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DevstackError(f"no folder for locks: {error}", hints=["set XDG_RUNTIME_DIR to a folder of yours"]) from error
    if path.stat().st_uid != os.getuid():
        raise DevstackError(f"{path} belongs to somebody else", hints=["set XDG_RUNTIME_DIR to a folder of yours"])
    return path


def holder(project: str) -> Holder | None:
    """Who works on the project right now, if anybody."""
    path = folder() / f"{project}.lock"
    try:
        with path.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(path)
    except FileNotFoundError:
        pass
    return None


@contextmanager
def locked(
    project: str, directory: Path, *, timeout: float = 600.0, on_wait: Callable[[str], None] | None = None
) -> Iterator[bool]:
    """Hold the project's lock; gives whether the last holder was cut off, by a signal or an error.

    `on_wait` is told who holds it once a wait lasts; after `timeout` seconds `Locked` is raised.
    """
    path = folder() / f"{project}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _acquire(descriptor, path, project, timeout, on_wait)
        last = _read(path)
        me = Holder(os.getpid(), " ".join(["devstack", *sys.argv[1:3]]), str(directory), time.time())
        _write(descriptor, me)
        yield last is not None and not last.done
        _write(descriptor, replace(me, done=True))
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, project: str, timeout: float, on_wait: Callable[[str], None] | None) -> None:
    begun = time.monotonic()
    said = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            waited = time.monotonic() - begun
        if waited >= timeout:
            raise Locked(
                f"another command works on {project}",
                details=[("holder", str(_read(path) or "unknown"))],
                hints=["wait for it to end, or stop it with Ctrl-C where it runs", "--lock-timeout SECONDS waits longer"],
            )
        if on_wait is not None and not said and waited >= SAY_AFTER:
            said = True
            on_wait(f"waiting for {_read(path) or 'another command'}")
        time.sleep(POLL)


def _write(descriptor: int, holder: Holder) -> None:
    # Over what is there: cutting a file to nothing makes ext4 wait for its disk, a third of a second on a busy one.
    os.pwrite(descriptor, json.dumps(asdict(holder)).encode().ljust(os.fstat(descriptor).st_size), 0)


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
