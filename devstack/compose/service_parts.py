"""What a service is made of: its dependencies, build, ports, mounts, probe, devices, networks, hooks and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from devstack.compose.values import EMPTY, Strings


class Condition(StrEnum):
    """What a service waits for before it starts; Compose's words."""

    STARTED = "service_started"
    HEALTHY = "service_healthy"
    COMPLETED = "service_completed_successfully"


@dataclass(frozen=True, slots=True)
class Dependency:
    """One edge of `depends_on`."""

    service: str
    condition: Condition = Condition.STARTED
    restart: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How an image is built. `dockerfile` is absolute or relative to `context`; `inline` replaces it."""

    context: str
    dockerfile: str | None = None
    inline: str | None = None
    args: Mapping[str, str | None] = EMPTY
    target: str | None = None
    labels: Strings = EMPTY
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    additional_contexts: Strings = EMPTY
    entitlements: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    isolation: str | None = None
    network: str | None = None
    no_cache: bool = False
    platforms: tuple[str, ...] = ()
    privileged: bool = False
    provenance: str | None = None
    pull: bool = False
    sbom: str | None = None
    secrets: tuple[FileMount, ...] = ()
    shm_size: int | None = None
    ssh: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()


@dataclass(frozen=True, slots=True)
class Port:
    """One published port. `published` is the host port as text: "" (engine chooses), "8080" or "8000-8010"."""

    target: int
    published: str = ""
    host_ip: str = ""
    protocol: str = "tcp"
    name: str = ""
    mode: str = "ingress"
    app_protocol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One entry of `volumes:`. `source` is a host path, a key of `Stack.volumes`, an image, or "" (anonymous)."""

    type: Literal["volume", "bind", "tmpfs", "image", "npipe", "cluster"]
    target: str
    source: str = ""
    read_only: bool = False
    consistency: str = ""
    create_host_path: bool = True
    propagation: str = ""
    recursive: str = ""
    selinux: str = ""
    nocopy: bool = False
    subpath: str = ""
    labels: Strings = EMPTY
    tmpfs_size: int | None = None
    tmpfs_mode: int | None = None


@dataclass(frozen=True, slots=True)
class FileMount:
    """A service's use of a secret or config (a key of `Stack.secrets` or `.configs`). `target` is an absolute path or a name."""

    source: str
    target: str = ""
    uid: str = ""
    gid: str = ""
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """The probe. `test` is () (the image's own), ("NONE",), ("CMD", ...) or ("CMD-SHELL", text). Times in seconds."""

    test: tuple[str, ...] = ()
    interval: float | None = None
    timeout: float | None = None
    retries: int | None = None
    start_period: float | None = None
    start_interval: float | None = None
    disable: bool = False


@dataclass(frozen=True, slots=True)
class Ulimit:
    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class Device:
    """A host device mapped into the container."""

    source: str
    target: str
    permissions: str = "rwm"


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """GPUs and other reserved devices. `count` -1 means all."""

    driver: str = ""
    count: int = 0
    device_ids: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    options: Strings = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A service's place on one network (key of `Stack.networks`)."""

    network: str
    aliases: tuple[str, ...] = ()
    ipv4_address: str = ""
    ipv6_address: str = ""
    link_local_ips: tuple[str, ...] = ()
    mac_address: str = ""
    driver_opts: Strings = EMPTY
    interface_name: str = ""
    priority: int = 0
    gw_priority: int = 0


@dataclass(frozen=True, slots=True)
class Hook:
    """A command run inside the container after its start or before its stop."""

    command: tuple[str, ...]
    user: str = ""
    privileged: bool = False
    working_dir: str = ""
    environment: Mapping[str, str | None] = EMPTY


@dataclass(frozen=True, slots=True)
class Logging:
    driver: str = ""
    options: Strings = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class BlkioLimits:
    """`blkio_config`. Device limits are (path, rate or weight) pairs."""

    weight: int = 0
    weight_device: tuple[tuple[str, int], ...] = ()
    device_read_bps: tuple[tuple[str, int], ...] = ()
    device_read_iops: tuple[tuple[str, int], ...] = ()
    device_write_bps: tuple[tuple[str, int], ...] = ()
    device_write_iops: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Resources, from the service's own keys and `deploy.resources`, the latter winning. Memory in bytes."""

    cpus: float | None = None
    cpu_count: int | None = None
    cpu_percent: float | None = None
    cpu_period: int | None = None
    cpu_quota: int | None = None
    cpu_rt_period: int | None = None
    cpu_rt_runtime: int | None = None
    cpu_shares: int | None = None
    cpuset: str = ""
    memory: int | None = None
    memory_reservation: int | None = None
    memory_swap: int | None = None
    memory_swappiness: int | None = None
    pids: int | None = None
    oom_kill_disable: bool = False
    oom_score_adj: int | None = None
    shm_size: int | None = None
    blkio: BlkioLimits | None = None


NO_LIMITS = Limits()
