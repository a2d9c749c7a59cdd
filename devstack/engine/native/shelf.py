"""Volumes and networks of the native engine: a volume is a folder with labels, a network a name with labels."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from devstack.engine.base import ObservedNetwork, ObservedVolume
from devstack.engine.native.places import Places
from devstack.engine.native.records import write
from devstack.errors import Conflict


class Shelf:
    """Keeps what containers share."""

    def __init__(self, where: Places) -> None:
        self.where = where

    # Networks

    def networks(self) -> Iterator[ObservedNetwork]:
        for path in self.where.networks.glob("*.json"):
            data = _json(path)
            if data:
                yield ObservedNetwork(id=str(data["id"]), name=str(data["name"]), driver="native", labels=_strings(data["labels"]))

    def network(self, name: str) -> ObservedNetwork | None:
        """By its name or id."""
        return next((item for item in self.networks() if name in (item.id, item.name)), None)

    def create_network(self, name: str, labels: Mapping[str, str]) -> str:
        """Its id; one that is there already must be the same."""
        there = self.network(name)
        if there is not None and dict(there.labels) != labels:
            raise Conflict(f"network with name {name} already exists", status=409)
        if there is not None:
            return there.id
        identity = os.urandom(32).hex()
        write(self.where.networks / f"{name}.json", {"id": identity, "name": name, "labels": dict(labels)})
        return identity

    def remove_network(self, network: ObservedNetwork) -> None:
        (self.where.networks / f"{network.name}.json").unlink(missing_ok=True)

    # Volumes

    def volumes(self) -> Iterator[ObservedVolume]:
        for folder in sorted(self.where.volumes.iterdir()):
            if (folder / "data").is_dir():
                created = folder.stat().st_ctime
                yield ObservedVolume(
                    name=folder.name, driver="native", labels=_strings(_json(folder / "labels.json")), created=created
                )

    def make_volume(self, name: str, labels: Mapping[str, str]) -> None:
        self.folder(name)
        if not (self.where.volumes / name / "labels.json").exists():
            write(self.where.volumes / name / "labels.json", dict(labels))

    def folder(self, name: str, *, anonymous: bool = False) -> Path:
        """The folder of a volume's files, made where it is missing."""
        folder = self.where.volumes / name
        (folder / "data").mkdir(parents=True, exist_ok=True)
        if anonymous:
            (folder / "anonymous").touch()
        return folder / "data"

    def is_anonymous(self, name: str) -> bool:
        return (self.where.volumes / name / "anonymous").exists()

    def remove_volume(self, name: str) -> None:
        if name and "/" not in name and name not in (".", ".."):
            shutil.rmtree(self.where.volumes / name, ignore_errors=True)

    def size(self, name: str) -> int:
        """Bytes of a volume's files."""
        files = (path for path in (self.where.volumes / name / "data").rglob("*") if path.is_file() and not path.is_symlink())
        return sum(path.lstat().st_size for path in files)


def _json(path: Path) -> dict[str, object] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _strings(data: object) -> dict[str, str]:
    return {str(key): str(value) for key, value in data.items()} if isinstance(data, dict) else {}
