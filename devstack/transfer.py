"""Files between this machine and containers, by the rules of `cp`: an existing folder is copied into, anything else is a name.

Archives are plain tar, never compressed. What comes out of a container is not trusted: nothing is written outside the target.
"""

from __future__ import annotations

import io
import os
import posixpath
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from devstack.engine.base import Engine, PathStat
from devstack.errors import DevstackError, NotFound, UsageError
from devstack.tarfiles import tarfile

CHUNK = 1 << 20
IN_MEMORY = 16 << 20
MOST_LINKS = 10


@dataclass(frozen=True, slots=True)
class Copied:
    """How much went over. `skipped` are entries that were left out, each with the reason."""

    files: int = 0
    bytes: int = 0
    skipped: tuple[str, ...] = ()


def send(
    engine: Engine, container: str, source: Path, target: str, *, typed: str = "", owners: bool = False, follow: bool = False
) -> Copied:
    """Copy a file or folder of this machine into a container. `typed` is the source as it was written: "x/." means x's contents."""
    if not (source.exists() or source.is_symlink()):
        raise UsageError(f"{source}: no such file or folder")
    into, name = _place_inside(engine, container, source, target, contents=_is_contents(typed))
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
        with tarfile.open(fileobj=spool, mode="w", format=tarfile.PAX_FORMAT, dereference=follow) as tar:
            count, size = _pack(tar, source, name, owners=owners)
        spool.seek(0)
        engine.write_archive(container, into, iter(lambda: spool.read(CHUNK), b""), owners=owners)
    return Copied(count, size)


def send_stream(engine: Engine, container: str, stream: BinaryIO, target: str, *, owners: bool = False) -> None:
    """Unpack a tar that comes from elsewhere in a folder of a container."""
    found = resolved(engine, container, target)
    if found is None or not found[1].is_folder:
        raise UsageError(f"{target} is no folder in the container; a tar is unpacked in one")
    engine.write_archive(container, found[0], iter(lambda: stream.read(CHUNK), b""), owners=owners)


def fetch(engine: Engine, container: str, source: str, target: Path, *, owners: bool = False, follow: bool = False) -> Copied:
    """Copy a file or folder of a container to this machine."""
    path, found = _source(engine, container, source, follow=follow)
    contents = _is_contents(source)
    if found.is_folder:
        if target.exists() and not target.is_dir():
            raise UsageError(f"{target} is a file, {source} a folder")
        to = target if contents or not target.exists() else target / (found.name or "root")
    else:
        if str(target).endswith("/") or not target.parent.is_dir():
            raise UsageError(f"{target.parent}: no such folder")
        to = target / found.name if target.is_dir() else target
    if not to.parent.is_dir():
        raise UsageError(f"{to.parent}: no such folder")
    return _unpack(engine.read_archive(container, path), to, owners=owners)


def fetch_stream(engine: Engine, container: str, source: str, out: BinaryIO, *, follow: bool = False) -> None:
    """Write a file or folder of a container as a tar."""
    path, _ = _source(engine, container, source, follow=follow)
    for piece in engine.read_archive(container, path):
        out.write(piece)
    out.flush()


def resolved(engine: Engine, container: str, path: str) -> tuple[str, PathStat] | None:
    """A path with its symbolic links followed inside the container, and what stands there; None when nothing does."""
    path = posixpath.normpath(posixpath.join("/", path))
    for _ in range(MOST_LINKS):
        found = engine.stat(container, path)
        if found is None or not found.link:
            return None if found is None else (path, found)
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), found.link))
    raise DevstackError(f"{path}: symbolic links run in a circle in the container")


def _source(engine: Engine, container: str, source: str, *, follow: bool) -> tuple[str, PathStat]:
    path = posixpath.normpath(posixpath.join("/", source))
    found = engine.stat(container, path)
    if found is not None and found.link and follow:
        followed = resolved(engine, container, path)
        path, found = followed if followed else (path, None)
    if found is None:
        raise NotFound(f"{source}: no such file or folder in the container", status=404)
    return path, found


def _is_contents(text: str) -> bool:
    return text.rstrip("/").endswith("/.") or text == "."


def _place_inside(engine: Engine, container: str, source: Path, target: str, *, contents: bool) -> tuple[str, str]:
    """(the folder to unpack in, the name there): "" stands for the contents of the source."""
    found = resolved(engine, container, target)
    folder = source.is_dir()
    if found is not None and found[1].is_folder:
        return found[0], "" if contents and folder else source.resolve().name
    if found is not None and folder:
        raise UsageError(f"{target} is a file in the container, {source} a folder")
    if found is None and target.endswith("/") and not folder:
        raise UsageError(f"{target}: no such folder in the container")
    whole = found[0] if found else posixpath.normpath(posixpath.join("/", target))
    parent = resolved(engine, container, posixpath.dirname(whole))
    if parent is None or not parent[1].is_folder:
        raise UsageError(f"{posixpath.dirname(whole)}: no such folder in the container")
    return parent[0], posixpath.basename(whole)


def _pack(tar: tarfile.TarFile, source: Path, name: str, *, owners: bool) -> tuple[int, int]:
    counted = [0, 0]

    def entry(info: tarfile.TarInfo) -> tarfile.TarInfo:
        counted[0] += info.isfile()
        counted[1] += info.size
        return info if owners else info.replace(uid=0, gid=0, uname="", gname="", deep=False)

    try:
        if name:
            tar.add(source, arcname=name, filter=entry)
        else:
            for inner in sorted(source.iterdir()):
                tar.add(inner, arcname=inner.name, filter=entry)
    except OSError as error:
        raise DevstackError(f"{error.filename or source} cannot be read: {error.strerror}") from error
    return counted[0], counted[1]


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file that can be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = next(self._pieces, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _unpack(pieces: Iterator[bytes], to: Path, *, owners: bool) -> Copied:
    """Write the entries of an archive below `to`, whose name takes the place of the archive's own first part."""
    copied = Copied()
    stream: IO[bytes] = io.BufferedReader(_Pieces(pieces), CHUNK)
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            try:
                safe = _inside(member, to)
                tar.extract(safe, to.parent, filter="fully_trusted")
            except (tarfile.FilterError, KeyError) as error:
                copied = replace(copied, skipped=(*copied.skipped, f"{member.name}: {_why(error)}"))
                continue
            if owners:
                os.chown(to.parent / safe.name, member.uid, member.gid, follow_symlinks=False)
            if safe.isfile():
                copied = replace(copied, files=copied.files + 1, bytes=copied.bytes + safe.size)
    return copied


def _inside(member: tarfile.TarInfo, to: Path) -> tarfile.TarInfo:
    """The entry under its name beside `to`. Raises `tarfile.FilterError` for what would leave `to`, or is no file."""
    below = PurePosixPath(*PurePosixPath(member.name).parts[1:])
    linked = PurePosixPath(*PurePosixPath(member.linkname).parts[1:])
    if ".." in below.parts or (member.islnk() and ".." in linked.parts):
        raise tarfile.OutsideDestinationError(member, member.name)
    if below.parts:
        # Checked as it lies in `to`, so that nothing beside it can be reached either.
        inner = {"name": str(below)} | ({"linkname": str(linked)} if member.islnk() else {})
        tarfile.data_filter(member.replace(**inner, deep=False), str(to))  # type: ignore[arg-type]
    whole = {"name": f"{to.name}/{below}" if below.parts else to.name}
    whole |= {"linkname": f"{to.name}/{linked}"} if member.islnk() else {}
    return tarfile.data_filter(member.replace(**whole, deep=False), str(to.parent))  # type: ignore[arg-type]


def _why(error: Exception) -> str:
    if isinstance(error, tarfile.SpecialFileError):
        return "a device or a socket"
    if isinstance(error, KeyError):
        return "a link to what is not copied"
    return "it points outside of what is copied"


def send_files(engine: Engine, container: str, files: Mapping[str, Path]) -> Copied:
    """Copy single files to absolute paths of a container, folders made where they are missing; one that is gone is left out."""
    count, size = 0, 0
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
        with tarfile.open(fileobj=spool, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for target, source in files.items():
                try:
                    info = tar.gettarinfo(source, arcname=target.lstrip("/"))
                    content = source.open("rb") if info.isfile() else None
                except FileNotFoundError:
                    continue
                with content or io.BytesIO() as stream:
                    tar.addfile(info.replace(uid=0, gid=0, uname="", gname="", deep=False), stream if content else None)
                count, size = count + 1, size + info.size
        spool.seek(0)
        if count:
            engine.write_archive(container, "/", iter(lambda: spool.read(CHUNK), b""))
    return Copied(count, size)
