"""The files of containers in memory, as tar archives."""

from __future__ import annotations

import io
import tarfile
from pathlib import PurePosixPath

from devstack.engine.base import PathStat
from devstack.errors import NotFound
from tests.fakes.memory_boxes import Box

FOLDERS = ("/", "/tmp", "/etc")
"""Folders that every image has."""


def _below(box: Box, path: str) -> list[str]:
    return [name for name in box.files if name.startswith(path.rstrip("/") + "/")]


def stat(box: Box, path: str) -> PathStat | None:
    name = PurePosixPath(path).name or "/"
    if path in box.files:
        return PathStat(name=name, size=len(box.files[path]), mode=0o644)
    if (path.rstrip("/") or "/") in FOLDERS or _below(box, path):
        return PathStat(name=name, is_folder=True, mode=0o755)
    return None


def packed(box: Box, path: str) -> bytes:
    """A tar of one file, or of a folder and all below it."""
    found = stat(box, path)
    if found is None:
        raise NotFound(f"Could not find the file {path} in container", status=404)
    base = str(PurePosixPath(path).parent).rstrip("/")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in [path] if path in box.files else _below(box, path):
            entry = tarfile.TarInfo(name.removeprefix(base).lstrip("/"))
            entry.size = len(box.files[name])
            tar.addfile(entry, io.BytesIO(box.files[name]))
    return buffer.getvalue()


def unpack(box: Box, folder: str, data: bytes) -> None:
    found = stat(box, folder)
    if found is None or not found.is_folder:
        raise NotFound(f"Could not find the file {folder} in container", status=404)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                box.files[f"{folder.rstrip('/')}/{member.name}"] = content.read()
