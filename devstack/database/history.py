"""psql's history, kept per project on this machine: a container's own is lost when it is replaced."""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devstack.engine.base import Engine
from devstack.errors import DevstackError
from devstack.private import private_folder

_LINES = 2000


def place() -> str:
    """Where psql keeps its history inside the container while it runs; one of its own for every shell."""
    return f"/tmp/.devstack_psql_history_{os.getpid()}"  # noqa: S108 - in the container, and ours by name


@contextmanager
def lent(engine: Engine, container: str, file: Path) -> Iterator[str]:
    """Give a running container the history; the lines that psql has added when the context ends come back to the file.

    The path in the container, or "" where nothing can be written there: the shell opens all the same.
    """
    before = _read(file)
    inside = place()
    try:
        made = engine.exec(container, ("sh", "-c", 'umask 077; cat > "$1"', "sh", inside), stdin=before).exit_code == 0
    except DevstackError:
        made = False
    if not made:
        yield ""
        return
    try:
        yield inside
    finally:
        with suppress(DevstackError):  # the container may be gone, and the lines of this shell with it
            found = engine.exec(container, ("sh", "-c", 'cat "$1" && rm -f "$1"', "sh", inside))
            if found.exit_code == 0:
                keep(file, before, found.stdout)


def pack(file: Path, inside: str, owner: int) -> tuple[bytes, bytes]:
    """(the history, a tar that puts it at `inside` for that user): for a container that has not started."""
    before = _read(file)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(inside.rpartition("/")[2])
        entry.size, entry.mode, entry.uid, entry.gid, entry.mtime = len(before), 0o600, owner, owner, int(time.time())
        tar.addfile(entry, io.BytesIO(before))
    return before, buffer.getvalue()


def unpack(engine: Engine, container: str, inside: str) -> bytes | None:
    """The history out of a container that may have ended; None when it has none."""
    try:
        data = b"".join(engine.read_archive(container, inside))
    except DevstackError:
        return None
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        member = next((m for m in tar.getmembers() if m.isfile()), None)
        content = tar.extractfile(member) if member else None
        return content.read() if content else None


def keep(file: Path, before: bytes, after: bytes) -> None:
    """Add what is new to the file; another shell may have added lines of its own meanwhile."""
    new = after[len(before) :] if after.startswith(before) else _fresh(before, after)
    if not new:
        return
    private_folder(file.parent)
    lines = (_read(file) + new).splitlines(keepends=True)[-_LINES:]
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_bytes(b"".join(lines))
    temporary.replace(file)


def _fresh(before: bytes, after: bytes) -> bytes:
    """psql drops the oldest lines of a long history: what follows the last line that was there is new."""
    last = before.splitlines(keepends=True)[-1:]
    at = after.rfind(last[0]) if last else -1
    return after[at + len(last[0]) :] if at >= 0 else after


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
