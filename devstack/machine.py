"""All stacks on one engine, devstack's and Compose's: read from the labels of containers and volumes, without any file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from devstack import labels
from devstack.compose.model import Json
from devstack.engine.base import Container, ObservedVolume
from devstack.words import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One stack. `states` are container states with how many are in each; `by` is the tool that made its containers."""

    name: str
    states: tuple[tuple[str, int], ...] = ()
    folder: str = ""
    files: tuple[str, ...] = ()
    volumes: int = 0
    by: str = ""

    @property
    def is_running(self) -> bool:
        return any(state == "running" for state, _ in self.states)

    @property
    def status(self) -> str:
        """As Compose writes it: "running(2), exited(1)"; a stack that is down and has data says so."""
        if self.states:
            return ", ".join(f"{state}({count})" for state, count in self.states)
        return f"down, {counted(self.volumes, 'volume')} kept"

    def as_json(self) -> Json:
        return {
            "name": self.name,
            "status": self.status,
            "states": dict(self.states),
            "volumes": self.volumes,
            "folder": self.folder or None,
            "config_files": list(self.files),
            "made_by": self.by or None,
        }


def standing(containers: Iterable[Container], volumes: Iterable[ObservedVolume] = ()) -> tuple[Standing, ...]:
    """The stacks that containers and volumes belong to, by name. One-offs do not count; snapshots are nobody's volumes."""
    by_name: dict[str, list[Container]] = {}
    for container in containers:
        if container.project and not container.oneoff:
            by_name.setdefault(container.project, []).append(container)
    kept: dict[str, list[ObservedVolume]] = {}
    for volume in volumes:
        if labels.PROJECT in volume.labels and labels.SNAPSHOT_OF not in volume.labels:
            kept.setdefault(volume.labels[labels.PROJECT], []).append(volume)
    names = sorted(by_name.keys() | kept.keys())
    return tuple(_standing(name, by_name.get(name, []), kept.get(name, [])) for name in names)


def _standing(name: str, containers: list[Container], volumes: list[ObservedVolume]) -> Standing:
    newest = sorted(containers, key=lambda c: -c.created)
    folders = [c.labels.get(labels.WORKING_DIR, "") for c in newest] + [v.labels.get(labels.DIRECTORY, "") for v in volumes]
    files = [path for c in newest for path in c.labels.get(labels.CONFIG_FILES, "").split(",") if path]
    ours = any(labels.FIELDS in c.labels for c in containers) or any(labels.DIRECTORY in v.labels for v in volumes)
    return Standing(
        name=name,
        states=tuple(sorted(Counter(c.state.value for c in containers).items())),
        folder=next(filter(None, folders), ""),
        files=tuple(dict.fromkeys(files)),
        volumes=len(volumes),
        by="devstack" if ours else "compose" if containers or volumes else "",
    )
