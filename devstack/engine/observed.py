"""What is seen of a container engine, as frozen data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from devstack import labels
from devstack.compose.model import EMPTY, Strings


class Health(StrEnum):
    """Docker's words; NONE: the container has no probe."""

    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class State(StrEnum):
    """A container's state, Docker's words."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the engine answers, and why there: `source` is '$DOCKER_HOST', 'context "default"', '--engine', 'known socket'."""

    url: str
    source: str
    local: bool = True
    tls: str = ""
    """Folder with ca.pem, cert.pem, key.pem for a TLS endpoint."""

    def __str__(self) -> str:
        where = f"unix socket {self.url.removeprefix('unix://')}" if self.url.startswith("unix://") else self.url
        return f"{where} ({self.source})"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """Who answers. `api` is (1, 51); `name` "Docker" or "Podman"."""

    name: str
    version: str
    api: tuple[int, int]
    endpoint: Endpoint
    os: str = "linux"
    arch: str = ""
    rootless: bool = False
    root_dir: str = ""

    @property
    def fast_health(self) -> bool:
        """Whether the engine itself probes fast while a container starts (StartInterval, API 1.44)."""
        return self.api >= (1, 44)


@dataclass(frozen=True, slots=True)
class Binding:
    """A port a container publishes now."""

    target: int
    protocol: str
    host_ip: str
    published: int


@dataclass(frozen=True, slots=True)
class ObservedMount:
    """Where storage appears in a container. `name` is a volume's name; `source` a host path."""

    type: str
    target: str
    name: str = ""
    source: str = ""
    read_only: bool = False

    @property
    def is_nameless(self) -> bool:
        """A volume that the engine made up a name for: an image's own, or a path alone under `volumes:`."""
        return self.type == "volume" and re.fullmatch(r"[0-9a-f]{64}", self.name) is not None


@dataclass(frozen=True, slots=True)
class Probe:
    """One run of a health probe."""

    exit_code: int
    output: str
    ended_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What only an inspect tells. Times are Unix seconds; 0.0 means never."""

    exit_code: int = 0
    oom_killed: bool = False
    restart_count: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0
    stopped: bool | None = None
    """Of one that ended, where it was asked for: whether it was told to; None when nobody remembers."""
    error: str = ""
    environment: Strings = EMPTY
    command: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()
    restart_policy: str = ""
    grace: float | None = None
    """Seconds it has to stop; None when it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container as the engine lists it. `networks` maps network names to IPv4 addresses ("" when not running), `network_ids` to the
    networks' ids."""

    id: str
    name: str
    image: str
    image_id: str
    state: State
    health: Health = Health.NONE
    exit_code: int | None = None
    status: str = ""
    created: float = 0.0
    labels: Strings = EMPTY
    bindings: tuple[Binding, ...] = ()
    networks: Strings = EMPTY
    network_ids: Strings = EMPTY
    mounts: tuple[ObservedMount, ...] = ()
    detail: Detail | None = None

    @property
    def project(self) -> str:
        return self.labels.get(labels.PROJECT, "")

    @property
    def service(self) -> str:
        return self.labels.get(labels.SERVICE, "")

    @property
    def number(self) -> int:
        """Its number among the service's containers; 0 for one-offs and strangers."""
        text = self.labels.get(labels.NUMBER, "")
        return int(text) if text.isdigit() else 0

    @property
    def oneoff(self) -> bool:
        return self.labels.get(labels.ONEOFF) == "True"

    @property
    def config_hash(self) -> str:
        return self.labels.get(labels.CONFIG_HASH, "")

    @property
    def running(self) -> bool:
        return self.state is State.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedNetwork:
    id: str
    name: str
    driver: str = ""
    labels: Strings = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedVolume:
    """`size` in bytes, None when not asked for or unknown; `created` Unix seconds."""

    name: str
    driver: str = ""
    labels: Strings = EMPTY
    created: float = 0.0
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedImage:
    """`volumes` are the image's VOLUME paths; `stand_in` the text of its stand-in label, "" for a genuine image.

    `size` in bytes, `created` and `tagged` (when it was pulled or named; 0: unknown) in Unix seconds, `platform` such as "linux/amd64".
    """

    reference: str
    id: str
    labels: Strings = EMPTY
    volumes: tuple[str, ...] = ()
    environment: Strings = EMPTY
    healthcheck: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    size: int = 0
    created: float = 0.0
    tagged: float = 0.0
    platform: str = ""

    @property
    def stand_in(self) -> str:
        return self.labels.get(labels.STAND_IN, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStat:
    """A file or folder inside a container. `mode` are its permission bits, `link` where a symbolic link points ("" for none)."""

    name: str
    is_folder: bool = False
    size: int = 0
    mode: int = 0
    link: str = ""


@dataclass(frozen=True, slots=True)
class Processes:
    """What runs inside a container: the columns' titles, and a row for each process."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One look at a project: its containers (one-offs too), and networks, volumes and images by name.

    `networks` and `volumes` hold those with the project's label and any others that were asked for by name.
    """

    project: str
    containers: tuple[Container, ...] = ()
    networks: Mapping[str, ObservedNetwork] = EMPTY
    volumes: Mapping[str, ObservedVolume] = EMPTY
    images: Mapping[str, ObservedImage] = EMPTY

    def of(self, service: str) -> tuple[Container, ...]:
        """The service's containers without one-offs, by number."""
        mine = [c for c in self.containers if c.service == service and not c.oneoff]
        return tuple(sorted(mine, key=lambda c: (c.number, c.created)))
