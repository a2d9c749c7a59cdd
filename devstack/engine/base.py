"""What devstack asks of a container engine, and what it sees there.

`Observed` is one look at a project. Everything is frozen data; only `Engine` touches the outside. An implementation raises
`EngineError` (nobody answers), `EngineRefused`/`NotFound`/`Conflict` (it answered no) or `ImageUnavailable`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from devstack.compose.model import EMPTY, Network, Service, Stack, Strings, Volume
from devstack.engine.observed import (
    Binding,
    Container,
    Detail,
    Endpoint,
    EngineInfo,
    Health,
    Observed,
    ObservedImage,
    ObservedMount,
    ObservedNetwork,
    ObservedVolume,
    PathStat,
    Probe,
    Processes,
    State,
)

STOP_GRACE = 10.0
"""Seconds a container has to stop by its own will where neither it nor the caller says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened to a container of the watched project.

    `action` is "start", "die", "oom", "destroy", "health_status", "stop", "create", ...; `health` is set for "health_status",
    `exit_code` for "die", `signal` (its number) for "kill". `name` and `image` are the container's. `lost` means the stream ended and state
    must be looked at again.
    """

    action: str
    container: str = ""
    service: str = ""
    time: float = 0.0
    health: Health | None = None
    exit_code: int | None = None
    lost: bool = False
    name: str = ""
    image: str = ""
    signal: str = ""


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

    def push(self, reference: str, *, on_progress: OnProgress | None = None) -> None:
        """Send an image to its registry."""

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

    def history(self, image: str) -> tuple[str, ...]:
        """How each layer of an image was made, arguments of the build and all; () where images have no layers."""

    def replaced(self, project: str) -> tuple[str, ...]:
        """Ids of images built for the project that a newer build has taken the name of and that no container uses."""

    def remove_image(self, image: str) -> bool:
        """Whether it was removed: one that is gone, or in use, is left."""

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

    def await_stops(self, project: str, on_wait: Callable[[str], None], *, cut_off: bool) -> None:
        """Wait for the containers that were told to stop and have not ended yet: an engine goes on when whoever told it is gone.

        `on_wait` is called with the name of each. `cut_off`: whoever told it may have gone this very moment.
        """

    def was_stopped(self, container: Container) -> bool | None:
        """Whether an inspected container that has ended was told to, not by itself; None when the engine does not remember it."""

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

    def attach(self, container: str, *, tty: bool, stdin: bool) -> Session:
        """The container's own input and output; attached before its start, nothing is missed. `tty` as it was created."""

    def wait(self, container: str) -> int:
        """The exit code of a container, once it has ended."""

    def top(self, container: str) -> Processes:
        """What runs inside a running container."""

    def stat(self, container: str, path: str) -> PathStat | None:
        """What stands at an absolute path of a container, running or not."""

    def read_archive(self, container: str, path: str) -> Iterator[bytes]:
        """A tar of a file or folder, under its last name. Raises `NotFound`."""

    def write_archive(self, container: str, folder: str, data: Iterable[bytes], *, owners: bool = False) -> None:
        """Unpack a plain tar in a folder of a container; a compressed one is refused.

        It belongs to whom the tar says, with `owners` to the user that the container runs as.
        """

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


__all__ = [
    "Binding",
    "Container",
    "Detail",
    "Endpoint",
    "Engine",
    "EngineInfo",
    "Event",
    "ExecResult",
    "Health",
    "Helper",
    "LogLine",
    "NewContainer",
    "Observed",
    "ObservedImage",
    "ObservedMount",
    "ObservedNetwork",
    "ObservedVolume",
    "OnProgress",
    "PathStat",
    "Probe",
    "Processes",
    "Progress",
    "Session",
    "State",
]
