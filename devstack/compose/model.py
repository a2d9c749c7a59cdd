"""The Stack: what should run, decoded from the canonical Compose model.

Paths are absolute, environment is resolved, short forms are gone. Durations are seconds (float), sizes bytes (int).
`canonical` is the part of the document that `docker compose config --format json` would print (`$$` turned back into `$`);
hashes, `devstack config` and the reasons of a plan ("environment.LOG_LEVEL changed") come from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Never, TypeAlias, Union

Json: TypeAlias = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]
JsonObject: TypeAlias = Mapping[str, Json]
Strings: TypeAlias = Mapping[str, str]


class Empty(Mapping[str, Never]):
    """The empty mapping, hashable so that it can be a default of a frozen dataclass."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Never:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"


EMPTY = Empty()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One role of the stack. `None` means "the image's own"; an empty `command` clears the image's."""

    name: str
    canonical: JsonObject
    image: str | None = None
    build: Build | None = None
    pull_policy: str = ""
    platform: str = ""
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str | None] = EMPTY
    labels: Strings = EMPTY
    label_files: tuple[str, ...] = ()  # absolute; their labels are in `labels` already, Compose hashes the paths besides
    annotations: Strings = EMPTY
    container_name: str = ""
    hostname: str = ""
    domainname: str = ""
    working_dir: str = ""
    user: str = ""
    group_add: tuple[str, ...] = ()
    init: bool | None = None
    tty: bool = False
    stdin_open: bool = False
    attach: bool = True
    restart: str = ""
    scale: int = 1
    profiles: tuple[str, ...] = ()
    depends_on: tuple[Dependency, ...] = ()
    healthcheck: Healthcheck | None = None
    ports: tuple[Port, ...] = ()
    expose: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    tmpfs: tuple[str, ...] = ()
    volumes_from: tuple[str, ...] = ()
    secrets: tuple[FileMount, ...] = ()
    configs: tuple[FileMount, ...] = ()
    networks: tuple[Attachment, ...] = ()
    network_mode: str = ""
    mac_address: str = ""
    links: tuple[str, ...] = ()
    external_links: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_opt: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    cgroup: str = ""
    cgroup_parent: str = ""
    devices: tuple[Device, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    device_requests: tuple[DeviceRequest, ...] = ()
    ipc: str = ""
    pid: str = ""
    uts: str = ""
    userns_mode: str = ""
    isolation: str = ""
    runtime: str = ""
    privileged: bool = False
    read_only: bool = False
    security_opt: tuple[str, ...] = ()
    stop_signal: str = ""
    stop_grace_period: float | None = None
    storage_opt: Strings = EMPTY
    sysctls: Strings = EMPTY
    ulimits: tuple[Ulimit, ...] = ()
    limits: Limits = Limits()
    logging: Logging | None = None
    post_start: tuple[Hook, ...] = ()
    pre_stop: tuple[Hook, ...] = ()
    ignored: tuple[str, ...] = ()
    """Keys of the model that no engine of ours acts on, said in one line each ("credential_spec: Windows only")."""

    @property
    def image_name(self) -> str:
        """The reference the container is made from; a built service without `image:` has none until `Stack.image_of`."""
        return self.image or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IpamPool:
    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    aux_addresses: Strings = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network. `key` is its name in the file, `name` its name on the engine."""

    key: str
    name: str
    canonical: JsonObject
    external: bool = False
    driver: str = ""
    driver_opts: Strings = EMPTY
    attachable: bool = False
    internal: bool = False
    enable_ipv4: bool | None = None
    enable_ipv6: bool | None = None
    ipam_driver: str = ""
    ipam_options: Strings = EMPTY
    ipam: tuple[IpamPool, ...] = ()
    labels: Strings = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A named volume. `key` is its name in the file, `name` its name on the engine."""

    key: str
    name: str
    canonical: JsonObject
    external: bool = False
    driver: str = ""
    driver_opts: Strings = EMPTY
    labels: Strings = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class FileObject:
    """A secret or config: exactly one of `file`, `content` (resolved, also from `environment`) is set unless external."""

    key: str
    name: str
    file: str = ""
    content: str | None = None
    environment: str = ""
    external: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A whole stack. `services` holds the enabled ones; `disabled` those that no active profile selects."""

    name: str
    directory: Path
    files: tuple[Path, ...]
    env_files: tuple[Path, ...] = ()
    services: Mapping[str, Service]
    disabled: Mapping[str, Service] = EMPTY
    networks: Mapping[str, Network] = EMPTY
    volumes: Mapping[str, Volume] = EMPTY
    secrets: Mapping[str, FileObject] = EMPTY
    configs: Mapping[str, FileObject] = EMPTY
    canonical: JsonObject = EMPTY
    notes: tuple[str, ...] = ()
    """What should be said to the user about the files, one line each (obsolete `version`, an unset variable, ...)."""

    def image_of(self, service: Service) -> str:
        """The image reference a service runs: its `image:`, or Compose's `<project>-<service>` for a built one."""
        return service.image or f"{self.name}-{service.name}"
