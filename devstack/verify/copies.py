"""Copies of mounted folders for a twin, so that a check may edit a file and nobody's own is touched."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack import lock
from devstack.compose.model import Stack
from devstack.errors import DevstackError
from devstack.spec.model import ReloadSpec

HEAVY = shutil.ignore_patterns(".git", "node_modules", ".venv", "__pycache__", ".devstack", ".mypy_cache", ".pytest_cache")


@dataclass(frozen=True, slots=True)
class Copies:
    """Mounted host folder -> its copy."""

    folders: Mapping[Path, Path] = field(default_factory=dict)

    def file(self, path: Path) -> Path | None:
        """Where a file of the host is in the copies; None where no copied folder holds it."""
        for source, copy in self.folders.items():
            if path.is_relative_to(source):
                return copy / path.relative_to(source)
        return None


def folder_of(twin: str) -> Path:
    """Where the copies of a twin are; beside its lock, so that they are found again after a kill."""
    return lock.folder() / f"{twin}.files"


def make(stack: Stack, edits: tuple[ReloadSpec, ...], root: Path, twin: str) -> Copies:
    """Copy the mounted folders in which the edits are made. Raises `DevstackError` where that cannot be done."""
    folders: dict[Path, Path] = {}
    for edit in edits:
        service = stack.services.get(edit.service)
        for mount in service.mounts if service is not None else ():
            source = Path(mount.source)
            if mount.type == "bind" and source.is_dir() and (root / edit.file).is_relative_to(source):
                folders.setdefault(source, folder_of(twin) / str(len(folders)))
    for source, copy in folders.items():
        try:
            shutil.copytree(source, copy, symlinks=True, ignore=HEAVY)
        except (OSError, shutil.Error) as error:
            raise DevstackError(f"{source} cannot be copied for the twin: {error}") from None
    return Copies(folders)


def remove(twin: str) -> None:
    """Take a twin's copies away; those that its containers wrote into may hold files of another user, which root's engine made."""
    shutil.rmtree(folder_of(twin), ignore_errors=True)
