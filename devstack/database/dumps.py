"""pg_dump and pg_restore of the server's own version, inside its container, their bytes streamed from and to the host."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from devstack.compose.roles import Postgres
from devstack.engine.base import Engine, Session
from devstack.errors import DatabaseError, DevstackError, UsageError

OnBytes = Callable[[int], None]
_CHUNK = 1 << 17
_CUSTOM = b"PGDMP"
_GZIP = b"\x1f\x8b"
_FROM = re.compile(rb"^-- Dumped from database version (\d+)", re.MULTILINE)
_BY = re.compile(rb"^-- Dumped by pg_dump version (\d+)", re.MULTILINE)


def is_plain(file: Path) -> bool:
    """Whether a file of this name is written as SQL text; any other is pg_dump's custom format."""
    return file.name.endswith((".sql", ".sql.gz"))


def dump(engine: Engine, container: str, role: Postgres, database: str, file: Path, on_bytes: OnBytes) -> int:
    """Write a dump; its size in bytes. The file is there when it is complete, readable by its owner only."""
    part = file.with_name(f".{file.name}.part")
    argv = ["pg_dump", "-w", "-U", role.user, "-p", str(role.port), "-d", database, "-Fp" if is_plain(file) else "-Fc"]
    session = engine.session(container, argv, tty=False, environment=_environment(role))
    try:
        with contextlib.closing(session), _created(part) as out:
            session.close_stdin()
            said, done = bytearray(), 0
            while (piece := session.receive()) is not None:
                if piece[0] == "stderr":
                    said += piece[1]
                    continue
                out.write(piece[1])
                done += len(piece[1])
                on_bytes(done)
            _check(session, "pg_dump", bytes(said), role)
        part.replace(file)
    except OSError as error:
        raise DevstackError(f"{file} cannot be written: {error.strerror}", code="dump") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return file.stat().st_size


@contextlib.contextmanager
def _created(part: Path) -> Iterator[BinaryIO]:
    """A new file of our own, synced to the disk at the end."""
    part.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        if part.name.endswith(".gz.part"):
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1) as packed:
                yield cast(BinaryIO, packed)
        else:
            yield raw
        raw.flush()
        os.fsync(raw.fileno())


def script(engine: Engine, container: str, role: Postgres, file: Path, on_bytes: OnBytes) -> bytes:
    """A dump as SQL text, whatever its format. Raises UsageError for what is no dump, DatabaseError with pg_restore's words."""
    try:
        with file.open("rb") as source:
            begin = source.read(5)
            source.seek(0)
            if begin == _CUSTOM:
                return _unpacked(engine, container, role, source, on_bytes)
            if begin[:2] == _GZIP:
                with gzip.GzipFile(fileobj=source) as packed:
                    return _all(cast(BinaryIO, packed), on_bytes)
            return _all(source, on_bytes)
    except (OSError, EOFError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{file} cannot be read: {words}", code="load") from error


def majors(text: bytes) -> tuple[int | None, int | None]:
    """(server, pg_dump) major versions that a dump says it is of."""
    head = text[:4000]
    return _number(_FROM.search(head)), _number(_BY.search(head))


def _number(found: re.Match[bytes] | None) -> int | None:
    return int(found.group(1)) if found else None


def _all(source: BinaryIO, on_bytes: OnBytes) -> bytes:
    pieces = []
    done = 0
    while piece := source.read(_CHUNK):
        pieces.append(piece)
        done += len(piece)
        on_bytes(done)
    return b"".join(pieces)


def _unpacked(engine: Engine, container: str, role: Postgres, source: BinaryIO, on_bytes: OnBytes) -> bytes:
    """pg_restore without a database only prints: nothing in the file is run by it."""
    session = engine.session(container, ["pg_restore", "--no-owner", "-f", "-"], tty=False)
    out, said = bytearray(), bytearray()
    with contextlib.closing(session):
        feeder = threading.Thread(target=_feed, args=(session, source, on_bytes), daemon=True)
        feeder.start()
        while (piece := session.receive()) is not None:
            (said if piece[0] == "stderr" else out).extend(piece[1])
        feeder.join(5)
        _check(session, "pg_restore", bytes(said), role)
    return bytes(out)


def _feed(session: Session, source: BinaryIO, on_bytes: OnBytes) -> None:
    done = 0
    try:
        while piece := source.read(_CHUNK):
            session.send(piece)
            done += len(piece)
            on_bytes(done)
        session.close_stdin()
    except (DevstackError, OSError):
        return  # the program has ended; its exit code says why


def _check(session: Session, program: str, said: bytes, role: Postgres) -> None:
    if session.exit_code():
        words = said.decode(errors="replace").strip()
        hint = "the dump may be of a newer PostgreSQL than this server's" if "unsupported version" in words else ""
        raise DatabaseError(
            f"{program} in {role.service} failed", details=[("said", words[-2000:])], hints=[hint] if hint else [], code="dump"
        )


def _environment(role: Postgres) -> dict[str, str]:
    environment = {"PGHOST": "", "PGAPPNAME": "devstack-dump", "PGCLIENTENCODING": "UTF8"}
    return environment | ({"PGPASSWORD": role.password} if role.password is not None else {})
