"""Writing rendered files: all or nothing, never over somebody's own file, never through a symbolic link."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devstack.errors import DevstackError, Refused
from devstack.render.gitignore import ignored_additions, tracked
from devstack.render.model import MARK, Rendered, RenderedFile, masked
from devstack.spec.find import shown

State = Literal["written", "unchanged"]


@dataclass(frozen=True, slots=True)
class Written:
    """What happened to one file."""

    path: Path
    state: State


@dataclass(frozen=True, slots=True)
class Diff:
    """A unified diff from what is on disk to what would be rendered, secrets masked."""

    path: Path
    text: str


def write(rendered: Rendered) -> tuple[Written, ...]:
    """Bring the files on disk up to date. Raises `Refused`, with nothing written, for a file that is not ours to write."""
    changed = [file for file in rendered.files if not _is_current(rendered.root, file)]
    _refuse(rendered.root, changed)
    additions = ignored_additions(rendered.root, rendered.files) if changed else None
    if additions is not None:
        changed.append(additions)
    for file in changed:
        with _folder(rendered.root, file.path.parent, make=True) as folder:
            _replace(folder, file)
    names = {file.path for file in changed}
    files = (*rendered.files, *((additions,) if additions else ()))
    return tuple(Written(file.path, "written" if file.path in names else "unchanged") for file in files)


def stale(rendered: Rendered) -> tuple[Diff, ...]:
    """What `write` would change. A missing `.env` is no difference: it belongs to a checkout, not to the project."""
    found = []
    for file in rendered.files:
        current = _read(rendered.root, file.path)
        if file.purpose == "env" and current is None:
            continue
        if current != file.text:
            found.append(Diff(file.path, _diff(file, current, _secrets(rendered, current if file.purpose == "env" else None))))
    return tuple(found)


def _secrets(rendered: Rendered, env: str | None) -> tuple[str, ...]:
    """The known secrets, and in an env file every value whose name sounds like one."""
    words = ("PASSWORD", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "URL", "DSN")
    lines = (line.partition("=") for line in (env or "").splitlines() if not line.lstrip().startswith("#"))
    return (*rendered.secrets, *(value.strip("'\" ") for name, _, value in lines if any(word in name.upper() for word in words)))


def _diff(file: RenderedFile, current: str | None, secrets: tuple[str, ...]) -> str:
    name = shown(file.path)
    before = masked(current or "", secrets).splitlines(keepends=True)
    after = masked(file.text, secrets).splitlines(keepends=True)
    return "".join(
        difflib.unified_diff(before, after, f"{name} (on disk)" if current is not None else "/dev/null", f"{name} (rendered)")
    )


def _is_current(root: Path, file: RenderedFile) -> bool:
    try:
        info = file.path.lstat()
    except OSError:
        return False
    if not stat.S_ISREG(info.st_mode) or _read(root, file.path) != file.text:
        return False
    # Passwords that others can read are not as they should be, whatever the text says.
    return file.mode != 0o600 or not info.st_mode & 0o077


def _refuse(root: Path, files: list[RenderedFile]) -> None:
    for file in files:
        if file.path.is_symlink():
            raise Refused(
                f"{shown(file.path)} is a symbolic link to {file.path.readlink()}, and devstack writes through none",
                code="symlink",
                hints=["remove the link, or name another path under render: in devstack.yml", "nothing was written"],
            )
        current = _read(root, file.path)
        if file.needs_mark and current and MARK not in current.split("\n", 1)[0]:
            raise _not_ours(file)
    env = next((file for file in files if file.purpose == "env"), None)
    if env is not None and tracked(root, env.path):
        raise Refused(
            f"{shown(env.path)} is under version control, and devstack would write passwords into it",
            code="env-tracked",
            hints=[f"git rm --cached {shown(env.path)}", "nothing was written"],
        )


def _not_ours(file: RenderedFile) -> Refused:
    name, key = shown(file.path), {"template": "it"}.get(file.purpose, file.purpose)
    hints = [f"move it away: mv {name} {name}.before-devstack"]
    if file.purpose == "compose":
        hints.insert(0, f"use it as it is: compose: [{file.path.name}] in devstack.yml")
        hints.append("render to another place: render: {compose: docker/compose.yaml} in devstack.yml")
    else:
        hints.append(f"leave it alone: take {key} out of render: in devstack.yml")
    return Refused(
        f"{name} was not rendered by devstack and is not overwritten", code="not-ours", hints=[*hints, "nothing was written"]
    )


def _read(root: Path, path: Path) -> str | None:
    """The text of a regular file below `root`, None when there is none. Raises `DevstackError` when it cannot be read."""
    try:
        with _folder(root, path.parent, make=False) as folder:
            descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            with os.fdopen(descriptor, encoding="utf-8", errors="surrogateescape", newline="") as file:
                return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            return None
        raise DevstackError(f"{shown(path)} cannot be read: {error.strerror}", code="file") from None


@contextmanager
def _folder(root: Path, folder: Path, *, make: bool) -> Iterator[int]:
    """An open folder below `root`, reached without following a link. Raises `Refused` where a link stands in the way."""
    parts = folder.relative_to(root).parts
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number, part in enumerate(parts):
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
            try:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            except NotADirectoryError:
                place = root.joinpath(*parts[: number + 1])
                kind = "a symbolic link" if place.is_symlink() else "no folder"
                raise Refused(f"{shown(place)} is {kind}, and devstack writes through none", code="symlink") from None
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _replace(folder: int, file: RenderedFile) -> None:
    """Write beside the file and put it in its place in one step; the mode is right before the first byte."""
    name = f".{file.path.name}.{os.getpid()}.new"
    mode = file.mode if file.mode == 0o600 else _mode(folder, file)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(name, flags, mode, dir_fd=folder)
    except FileExistsError:  # left by a process with our number that was killed
        os.unlink(name, dir_fd=folder)
        descriptor = os.open(name, flags, mode, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as out:
            out.write(file.text)
            out.flush()
            os.fsync(descriptor)
        os.replace(name, file.path.name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        os.unlink(name, dir_fd=folder)
        raise DevstackError(f"{shown(file.path)} cannot be written: {error.strerror}", code="file") from None


def _mode(folder: int, file: RenderedFile) -> int:
    """A file that is replaced keeps its mode; a new one gets what the umask leaves."""
    try:
        return stat.S_IMODE(os.stat(file.path.name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return file.mode
