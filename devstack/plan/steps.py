"""The steps a plan is made of.

A step's `key` is its name in the plan; it begins when every key in `after` has succeeded and every key in `settled` has ended, well
or not. `reason` says why it is there, for people. A key that no step of the plan carries counts as done.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from devstack.compose.model import EMPTY, Network, Service, Strings, Volume
from devstack.words import counted

Keys: TypeAlias = frozenset[str]
NO_KEYS: Keys = frozenset()


class Until(StrEnum):
    """What an `Await` waits for. READY: healthy where there is a probe, else up and staying up, or an ended one-shot (exit 0)."""

    READY = "ready"
    HEALTHY = "healthy"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    reference: str
    platform: str = ""
    services: tuple[str, ...] = ()
    reason: str
    after: Keys = NO_KEYS

    @property
    def key(self) -> str:
        return f"image:{self.reference}"

    def __str__(self) -> str:
        return f"pull      {self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    service: Service
    image: str
    reason: str
    after: Keys = NO_KEYS

    @property
    def key(self) -> str:
        return f"image:{self.image}"

    def __str__(self) -> str:
        return f"build     {self.service.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNetwork:
    network: Network
    reason: str
    after: Keys = NO_KEYS

    @property
    def key(self) -> str:
        return f"network:{self.network.key}"

    def __str__(self) -> str:
        return f"create    network {self.network.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVolume:
    volume: Volume
    reason: str
    after: Keys = NO_KEYS

    @property
    def key(self) -> str:
        return f"volume:{self.volume.key}"

    def __str__(self) -> str:
        return f"create    volume {self.volume.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Make a container; `replaces` is the id of the one it takes the place of, "" for a new one."""

    service: Service
    number: int
    name: str
    image: str
    reason: str
    after: Keys = NO_KEYS
    replaces: str = ""
    inherit: Strings = EMPTY

    @property
    def key(self) -> str:
        return f"create:{self.service.name}-{self.number}"

    def __str__(self) -> str:
        verb = "recreate" if self.replaces else "create"
        return f"{verb:<9} {self.service.name}" + (f" #{self.number}" if self.service.scale > 1 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start a container: the one a `Create` of this plan makes, or `container` that is there already."""

    service: Service
    number: int
    reason: str
    container: str = ""
    paused: bool = False
    after: Keys = NO_KEYS
    settled: Keys = NO_KEYS

    @property
    def key(self) -> str:
        return f"start:{self.service.name}-{self.number}"

    def __str__(self) -> str:
        return f"start     {self.service.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Await:
    """Wait until a container is as it should be. `container` "" is the one this plan starts."""

    service: Service
    number: int
    until: Until
    reason: str
    container: str = ""
    after: Keys = NO_KEYS

    @property
    def key(self) -> str:
        return f"await:{self.service.name}-{self.number}"

    def __str__(self) -> str:
        return f"wait      {self.service.name} until {self.until}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplySchema:
    """Bring a database to what its SQL files say. `files` are absolute, in order; `tool` runs in the image of the service `run`."""

    service: Service
    database: str
    files: tuple[Path, ...]
    reason: str
    tool: str = ""
    run: str = ""
    seed: bool = True
    after: Keys = NO_KEYS

    @property
    def key(self) -> str:
        return f"schema:{self.service.name}/{self.database}"

    def __str__(self) -> str:
        files = counted(len(self.files), "file") if self.files else ""
        what = " and ".join(part for part in (self.tool, files) if part)
        return f"schema    {what} for {self.service.name}/{self.database}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Stop a container, its `pre_stop` hooks first. `grace` in seconds, None: the container's own."""

    container: str
    name: str
    service: str
    reason: str
    grace: float | None = None
    after: Keys = NO_KEYS
    settled: Keys = NO_KEYS

    @property
    def key(self) -> str:
        return f"stop:{self.name}"

    def __str__(self) -> str:
        return f"stop      {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Remove a container. Named volumes stay; `anonymous` says whether its nameless ones go with it."""

    container: str
    name: str
    service: str
    reason: str
    anonymous: bool = False
    after: Keys = NO_KEYS

    @property
    def key(self) -> str:
        return f"remove:{self.name}"

    def __str__(self) -> str:
        return f"remove    {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """Give a container its proper name: `container`, or "" for the one a `Create` of this plan makes."""

    service: str
    number: int
    name: str
    reason: str
    container: str = ""
    after: Keys = NO_KEYS

    @property
    def key(self) -> str:
        return f"rename:{self.name}"

    def __str__(self) -> str:
        return f"rename    {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveNetwork:
    network: str
    name: str
    reason: str
    after: Keys = NO_KEYS

    @property
    def key(self) -> str:
        return f"remove-network:{self.name}"

    def __str__(self) -> str:
        return f"remove    network {self.name}"


Step: TypeAlias = (
    Pull | Build | CreateNetwork | CreateVolume | Create | Start | Await | ApplySchema | Stop | Remove | Rename | RemoveNetwork
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in an order that respects `after`; `kept` are services left as they are, `notes` lines for the user."""

    steps: tuple[Step, ...] = ()
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something; waits do not."""
        return tuple(step for step in self.steps if not isinstance(step, Await))

    def __str__(self) -> str:
        lines = [f"{step}  {step.reason}".rstrip() if step.reason else str(step) for step in self.changes]
        if self.kept:
            lines.append(f"keep      {', '.join(self.kept)}")
        return "\n".join(lines)
