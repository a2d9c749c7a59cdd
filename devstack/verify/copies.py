"""Copies of mounted folders for a twin, so that a check may edit a file and nobody's own is touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack import lock
from devstack.compose.model import Stack
from devstack.errors import DevstackError
from devstack.spec.model import ReloadSpec

HEAVY_NAMES = (".git", "node_modules", ".venv", "__pycache__", ".devstack", ".mypy_cache", ".pytest_cache")
HEAVY = shutil.ignore_patterns(*HEAVY_NAMES)


@dataclass(frozen=True, slots=True)
class Copies:
    """Host folder -> its copy. `imageless`: a service runs in the folder that it is built from, so that is the copy too."""

    folders: Mapping[Path, Path] = field(default_factory=dict)
    imageless: bool = False

    def file(self, path: Path) -> Path | None:
        """Where a file or folder of the host is in the copies; None where no copied folder holds it."""
        for source, copy in self.folders.items():
            if path.is_relative_to(source):
                return copy / path.relative_to(source)
        return None


def folder_of(twin: str) -> Path:
    """Where the copies of a twin are; beside its lock, so that they are found again after a kill."""
    return lock.folder() / f"{twin}.files"


def make(stack: Stack, edits: tuple[ReloadSpec, ...], root: Path, twin: str, *, imageless: bool = False) -> Copies:
    """Copy the mounted folders in which the edits are made. Raises `DevstackError` where that cannot be done.

    `imageless`: on an engine whose services run in the folder that would be built, all of that is copied.
    """
    folders: dict[Path, Path] = {}
    for edit in edits:
        service = stack.services.get(edit.service)
        for mount in service.mounts if service is not None else ():
            source = Path(mount.source)
            if mount.type == "bind" and source.is_dir() and (root / edit.file).is_relative_to(source):
                built = Path(service.build.context) if imageless and service is not None and service.build is not None else None
                whole = built if built is not None and source.is_relative_to(built) else source
                folders.setdefault(whole, folder_of(twin) / str(len(folders)))
    for source, copy in folders.items():
        try:
            shutil.copytree(source, copy, symlinks=True, ignore=HEAVY)
            if imageless:
                _link_packages(source, copy)
        except (OSError, shutil.Error) as error:
            raise DevstackError(f"{source} cannot be copied for the twin: {error}") from None
    return Copies(folders, imageless)


def _link_packages(source: Path, copy: Path) -> None:
    """What npm installed is read where it is: an image would hold it."""
    for folder, below, _ in os.walk(source):
        if "node_modules" in below and (there := copy / Path(folder).relative_to(source)).is_dir():
            (there / "node_modules").symlink_to(Path(folder) / "node_modules")
        below[:] = [name for name in below if name not in HEAVY_NAMES]


def remove(twin: str) -> None:
    """Take a twin's copies away; those that its containers wrote into may hold files of another user, which root's engine made."""
    shutil.rmtree(folder_of(twin), ignore_errors=True)
