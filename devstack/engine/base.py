"""What devstack asks of a container engine, and what it sees there.

`Observed` is one look at a project. Everything is frozen data; only `Engine` touches the outside. An implementation raises
`EngineError` (nobody answers), `EngineRefused`/`NotFound`/`Conflict` (it answered no) or `ImageUnavailable`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from devstack import labels
from devstack.compose.model import EMPTY, Network, Service, Stack, Strings, Volume


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
    error: str = ""
    environment: Strings = EMPTY
    command: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()
    restart_policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container as the engine lists it. `networks` maps network names to IPv4 addresses ("" when not running)."""

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
    """`volumes` are the image's VOLUME paths; `stand_in` the text of its stand-in label, "" for a genuine image."""

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

    @property
    def stand_in(self) -> str:
        return self.labels.get(labels.STAND_IN, "")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened to a container of the watched project.

    `action` is "start", "die", "oom", "destroy", "health_status", "stop", "create", ...; `health` is set for "health_status",
    `exit_code` for "die". `lost` means the stream ended and state must be looked at again.
    """

    action: str
    container: str = ""
    service: str = ""
    time: float = 0.0
    health: Health | None = None
    exit_code: int | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line a container wrote. `time` is Unix seconds (0.0 unless asked for); `text` has no newline."""

    text: str
    stream: Literal["stdout", "stderr"] = "stdout"
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class ExecResult:
    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def text(self) -> str:
        return self.stdout.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull or build is. `total` 0: unknown. `text` is one line for people ("12/12 steps", a build's own line)."""

    text: str
    done: int = 0
    total: int = 0


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContainer:
    """What `Engine.create` needs besides the stack.

    `inherit` maps mount targets to names of anonymous volumes taken over from the container being replaced.
    `extra_labels` are added to the ones every container gets. `one_off` makes it a `run` container (no number, no ports unless
    `publish`). `fast_start` asks for the fast health cadence while starting.
    """

    service: Service
    number: int
    name: str
    image: str
    image_id: str
    inherit: Strings = EMPTY
    replaces: str = ""
    extra_labels: Strings = EMPTY
    namespaces: Strings = EMPTY
    """Services that the container shares a namespace or volumes with -> their container ids."""
    one_off: bool = False
    command: tuple[str, ...] | None = None
    publish: bool = True
    tty: bool = False
    stdin: bool = False
    fast_start: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A short-lived container of our own: volume copies and probes. `mounts` maps volume names to (target, read_only)."""

    purpose: str
    image: str
    command: tuple[str, ...]
    mounts: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    network: str = "none"
    environment: Strings = EMPTY
    user: str = "0:0"
    labels: Strings = EMPTY


class Session(Protocol):
    """An interactive exec: bytes both ways until the program ends."""

    tty: bool

    def fileno(self) -> int: ...

    def send(self, data: bytes) -> None: ...

    def close_stdin(self) -> None: ...

    def receive(self) -> tuple[Literal["stdout", "stderr"], bytes] | None:
        """The next piece of output; None when the program has ended."""

    def resize(self, rows: int, columns: int) -> None: ...

    def exit_code(self) -> int: ...

    def close(self) -> None: ...


class Engine(Protocol):
    """A container engine. Every call may block; every call may be made from any thread."""

    @property
    def info(self) -> EngineInfo: ...

    def observe(
        self, project: str, *, images: Iterable[str] = (), networks: Iterable[str] = (), volumes: Iterable[str] = ()
    ) -> Observed:
        """One look: the project's containers, networks and volumes, and the named images, networks and volumes where they exist."""

    def containers(self, project: str | None = None) -> tuple[Container, ...]:
        """All containers, running or not, of one project or (None) of the whole engine."""

    def inspect(self, container: str) -> Container:
        """One container with its `detail`."""

    def image(self, reference: str) -> ObservedImage | None: ...

    def pull(self, reference: str, *, platform: str = "", on_progress: OnProgress | None = None) -> ObservedImage: ...

    def build(
        self,
        stack: Stack,
        service: Service,
        *,
        on_progress: OnProgress | None = None,
        pull: bool = False,
        no_cache: bool = False,
    ) -> ObservedImage:
        """Build the service's image and tag it `stack.image_of(service)`; a failure carries the builder's last lines."""

    def create_network(self, stack: Stack, network: Network, extra_labels: Strings = EMPTY) -> str: ...

    def remove_network(self, network: str) -> None: ...

    def create_volume(self, stack: Stack, volume: Volume, extra_labels: Strings = EMPTY) -> str: ...

    def make_volume(self, name: str, volume_labels: Strings) -> None:
        """A bare local volume of our own (snapshots, markers)."""

    def remove_volume(self, volume: str) -> None: ...

    def volumes(self, label: str, *, sizes: bool = False) -> tuple[ObservedVolume, ...]:
        """Volumes carrying a label ("key" or "key=value"), with sizes when asked (slower)."""

    def create(self, stack: Stack, new: NewContainer) -> str:
        """Create a container, copy in what secrets and configs need, and give its id. Adopts one of ours left by a lost reply."""

    def start(self, container: str) -> None: ...

    def stop(self, container: str, timeout: float | None = None) -> None: ...

    def kill(self, container: str, signal: str = "KILL") -> None: ...

    def pause(self, container: str) -> None: ...

    def unpause(self, container: str) -> None: ...

    def rename(self, container: str, name: str) -> None: ...

    def remove(self, container: str, *, anonymous_volumes: bool = False) -> None: ...

    def exec(
        self,
        container: str,
        command: Sequence[str],
        *,
        user: str = "",
        environment: Strings = EMPTY,
        workdir: str = "",
        stdin: bytes | None = None,
        privileged: bool = False,
    ) -> ExecResult: ...

    def session(
        self,
        container: str,
        command: Sequence[str],
        *,
        tty: bool,
        user: str = "",
        environment: Strings = EMPTY,
        workdir: str = "",
    ) -> Session: ...

    def logs(
        self,
        container: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: float | None = None,
        until: float | None = None,
        timestamps: bool = False,
    ) -> Iterator[LogLine]: ...

    def watch(self, project: str) -> AbstractContextManager[Iterator[Event]]:
        """Events of the project's containers from now on: the subscription stands once the context is entered, the iterator blocks."""

    def helper(self, helper: Helper) -> ExecResult:
        """Run a helper container to its end and remove it."""

    def copy_volume(self, source: str, target: str, *, image: str) -> None:
        """Copy all files of one volume into another (empty) one, owners and modes kept; `image` is one that is there."""

    def close(self) -> None: ...
