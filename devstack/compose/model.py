"""The Stack: what should run, decoded from the canonical Compose model.

Paths are absolute, environment is resolved, short forms are gone. Durations are seconds (float), sizes bytes (int).
`canonical` is the part of the document that `docker compose config --format json` would print (`$$` turned back into `$`);
hashes, `devstack config` and the reasons of a plan ("environment.LOG_LEVEL changed") come from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.compose.service_parts import (
    NO_LIMITS,
    Attachment,
    BlkioLimits,
    Build,
    Condition,
    Dependency,
    Device,
    DeviceRequest,
    FileMount,
    Healthcheck,
    Hook,
    Limits,
    Logging,
    Mount,
    Port,
    Ulimit,
)
from devstack.compose.values import EMPTY, Empty, Json, JsonObject, Strings

__all__ = [
    "EMPTY",
    "Attachment",
    "BlkioLimits",
    "Build",
    "Condition",
    "Dependency",
    "Device",
    "DeviceRequest",
    "Empty",
    "FileMount",
    "FileObject",
    "Healthcheck",
    "Hook",
    "IpamPool",
    "Json",
    "JsonObject",
    "Limits",
    "Logging",
    "Mount",
    "Network",
    "Port",
    "Service",
    "Stack",
    "Strings",
    "Ulimit",
    "Volume",
]


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
    limits: Limits = NO_LIMITS
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
