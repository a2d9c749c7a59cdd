"""What the native engine keeps on disk about a container: its record, written once, and its state, written at each change.

The supervisor is a process of its own that must stay small, so this module needs nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

PROBES_KEPT = 5
MARK = "DEVSTACK_NATIVE_ID"
"""Every process of a container carries the container's id in this variable of its environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A probe, its times in seconds. `start_interval` is the pause between probes until the first one has passed."""

    test: tuple[str, ...]
    interval: float
    timeout: float
    retries: int
    start_period: float
    start_interval: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One container: what it runs and how. Paths, ports and names are those of this machine already.

    `ports` are (target, protocol, address, port here), published or not; `mounts` (type, target, volume's name, folder, read-only).
    `user` "" is whoever runs devstack. `restart` is Compose's word with its count: "on-failure:3".
    """

    id: str
    name: str
    project: str
    service: str
    image: str
    image_id: str
    created: float
    labels: dict[str, str]
    command: tuple[str, ...]
    shown_command: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    root: str
    user: str = ""
    ports: tuple[tuple[int, str, str, int], ...] = ()
    mounts: tuple[tuple[str, str, str, str, bool], ...] = ()
    networks: tuple[str, ...] = ()
    restart: str = "no"
    stop_signal: str = "TERM"
    grace: float = 10.0
    check: Check | None = None
    tty: bool = False
    stdin: bool = False
    others: tuple[tuple[str, int, int], ...] = ()
    """Names of other services with a target and the port that stands for it here."""
    copied: tuple[tuple[str, str], ...] = ()
    """A folder of the image that would be built, and the folder here that it would hold a copy of."""
    fixed: tuple[str, ...] = ()
    """Variables that the kind sets for this machine: whoever empties one to get the image's default gets these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    exit_code: int
    output: str
    ended_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A container's state as Docker words it. `born` is the start time of process `pid` in the kernel's ticks: a number that is
    used again is told from the process that had it."""

    state: str = "created"
    health: str = "none"
    pid: int = 0
    born: int = 0
    exit_code: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0
    restarts: int = 0
    asked: bool = False
    """Whether its last end was asked for."""
    error: str = ""
    probes: tuple[Probe, ...] = field(default=())

    @property
    def running(self) -> bool:
        return self.state in ("running", "paused")


class Box:
    """The folder of one container: `record.json`, `state.json`, `log`, and `root`, where files copied into it lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def record(self) -> Record | None:
        """The record; None when the container is gone, or was never wholly made."""
        data = _read(self.folder / "record.json")
        if data is None:
            return None
        check = data.pop("check")
        fields: dict[str, Any] = {key: _tupled(value) if isinstance(value, list) else value for key, value in data.items()}
        return Record(**fields, check=Check(**{**check, "test": tuple(check["test"])}) if check else None)

    def life(self) -> Life:
        data = _read(self.folder / "state.json")
        return Life(**{**data, "probes": tuple(Probe(**probe) for probe in data["probes"])}) if data else Life()

    def write_record(self, record: Record) -> None:
        write(self.folder / "record.json", asdict(record))

    def write_life(self, life: Life) -> None:
        # Its folder goes when the container is removed, which may be at any moment.
        if self.folder.is_dir():
            write(self.folder / "state.json", asdict(replace(life, probes=life.probes[-PROBES_KEPT:])))


def write(path: Path, data: Any) -> None:
    """A file is there as a whole or not at all; only its owner may read it: environments hold passwords."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    except FileNotFoundError:
        return
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(data, file)
    Path(name).replace(path)


@contextmanager
def one_at_a_time(guard: Path) -> Iterator[None]:
    """What is done here is done by one thread of one process at a time: the others wait for `guard`, a file that stays."""
    with guard.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _tupled(value: list[Any]) -> tuple[Any, ...]:
    return tuple(_tupled(item) if isinstance(item, list) else item for item in value)


__all__ = ["MARK", "Box", "Check", "Life", "Probe", "Record", "write"]
