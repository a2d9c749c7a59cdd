"""The config hashes that Compose writes on containers, networks and volumes, computed from the canonical model.

Compose hashes the JSON of its own structures, so keys stand in the order of those and maps are sorted. The profile is that of
Compose 2.x; from 5.x on `create_host_path: true` of a bind is left out, which changes the hash of services with binds.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Literal

from devstack.compose.model import Json, JsonObject

Profile = Literal["2", "5"]

_SERVICE = (
    "annotations attach develop blkio_config cap_add cap_drop cgroup_parent cgroup cpu_count cpu_percent cpu_period cpu_quota "
    "cpu_rt_period cpu_rt_runtime cpus cpuset cpu_shares command configs container_name credential_spec deploy "
    "device_cgroup_rules devices dns dns_opt dns_search dockerfile domainname entrypoint provider environment env_file expose "
    "extends external_links extra_hosts group_add gpus hostname healthcheck image init ipc isolation labels label_file links "
    "logging log_driver log_opt mem_limit mem_reservation memswap_limit mem_swappiness mac_address models net network_mode "
    "networks oom_kill_disable oom_score_adj pid pids_limit platform ports privileged read_only restart runtime secrets "
    "security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user "
    "userns_mode uts volume_driver volumes volumes_from working_dir pre_start post_start pre_stop"
)
_HOOK = "command user privileged working_dir environment"
_ROLL = "parallelism delay failure_action monitor max_failure_ratio order"
_REQUEST = "capabilities driver count device_ids options"
_FILE = "source target uid gid mode"
# Paths of structures ("[]" is an item of a list, "*" any key of a map); every other mapping is sorted by key.
_ORDER: dict[str, tuple[str, ...]] = {
    path: tuple(keys.split())
    for path, keys in {
        "": _SERVICE,
        "blkio_config": "weight weight_device device_read_bps device_read_iops device_write_bps device_write_iops",
        "blkio_config.weight_device[]": "Path Weight",
        "configs[]": _FILE,
        "secrets[]": _FILE,
        "credential_spec": "config file registry",
        "deploy": "mode labels update_config rollback_config resources restart_policy placement endpoint_mode",
        "deploy.update_config": _ROLL,
        "deploy.rollback_config": _ROLL,
        "deploy.resources": "limits reservations",
        "deploy.resources.limits": "cpus memory pids",
        "deploy.resources.reservations": "cpus memory pids devices generic_resources",
        "deploy.resources.reservations.devices[]": _REQUEST,
        "deploy.resources.reservations.generic_resources[].discrete_resource_spec": "kind value",
        "deploy.restart_policy": "condition delay max_attempts window",
        "deploy.placement": "constraints preferences max_replicas_per_node",
        "develop": "watch",
        "develop.watch[]": "path action target exec include ignore initial_sync",
        "develop.watch[].exec": _HOOK,
        "devices[]": "source target permissions",
        "gpus[]": _REQUEST,
        "healthcheck": "test timeout interval retries start_period start_interval disable",
        "logging": "driver options",
        "networks.*": (
            "aliases driver_opts gw_priority interface_name ipv4_address ipv6_address link_local_ips mac_address priority"
        ),
        "models.*": "endpoint_var model_var",
        "ports[]": "name mode host_ip target published protocol app_protocol",
        "post_start[]": _HOOK,
        "pre_stop[]": _HOOK,
        "provider": "type options",
        "ulimits.*": "soft hard",
        "volumes[]": "type source target read_only consistency bind volume tmpfs image",
        "volumes[].bind": "selinux propagation create_host_path recursive",
        "volumes[].volume": "labels nocopy subpath",
        "volumes[].tmpfs": "size mode",
    }.items()
} | {
    f"blkio_config.{key}[]": ("Path", "Rate")
    for key in ("device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops")
}

_NETWORK: dict[str, tuple[str, ...]] = {
    "": ("name", "driver", "driver_opts", "ipam", "external", "internal", "attachable", "labels", "enable_ipv4", "enable_ipv6"),
    "ipam": ("driver", "config"),
    "ipam.config[]": ("subnet", "gateway", "ip_range", "aux_addresses"),
}
_VOLUME: dict[str, tuple[str, ...]] = {"": ("name", "driver", "driver_opts", "external", "labels")}
_NOT_HASHED = frozenset(("build", "pull_policy", "pull_refresh_after", "scale", "depends_on", "profiles"))


def service_hash(canonical: JsonObject, profile: Profile = "2") -> str:
    """The hash of a service. References to other services' namespaces must be resolved to containers first, as Compose does."""
    body = {key: value for key, value in canonical.items() if key not in _NOT_HASHED}
    if profile == "5":
        body["volumes"] = _without_host_path(body.get("volumes"))
        if body["volumes"] is None:
            del body["volumes"]
    return _digest(body, _ORDER)


def network_hash(canonical: JsonObject) -> str:
    return _digest({"ipam": {}, **canonical}, _NETWORK)


def volume_hash(canonical: JsonObject) -> str:
    return _digest({**canonical, "driver": canonical.get("driver") or "local"}, _VOLUME)


def _without_host_path(volumes: Json) -> Json:
    """The mounts as Compose 5.x sees them, where making the host path is the unwritten default."""
    if not isinstance(volumes, list):
        return None
    found: list[Json] = []
    for mount in volumes:
        bind = mount.get("bind") if isinstance(mount, dict) else None
        if isinstance(mount, dict) and isinstance(bind, dict):
            kept = {key: value for key, value in bind.items() if key != "create_host_path" or value is not True}
            found.append({**mount, "bind": kept})
        else:
            found.append(mount)
    return found


def _digest(value: Json, order: Mapping[str, tuple[str, ...]]) -> str:
    return hashlib.sha256(_encode(value, "", order).encode()).hexdigest()


def _encode(value: Json, path: str, order: Mapping[str, tuple[str, ...]]) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _number(value)
        case str():
            return _text(value)
        case list():
            return f"[{','.join(_encode(item, f'{path}[]', order) for item in value)}]"
    keys = order.get(path)
    starred = f"{path}.*"
    inside = starred if starred in order else None
    chosen = sorted(value) if keys is None else [key for key in keys if key in value and _kept(path, key, value[key])]
    pairs = (f"{_text(key)}:{_encode(value[key], inside or (f'{path}.{key}' if path else key), order)}" for key in chosen)
    return f"{{{','.join(pairs)}}}"


def _kept(path: str, key: str, value: Json) -> bool:
    """Replicas are never part of a hash; all else in the model is."""
    return not (path == "deploy" and key == "replicas")


def _text(value: str) -> str:
    text = json.dumps(value, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _number(value: float) -> str:
    """The shortest digits that give the same 32-bit number: that is what the model holds."""
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    single = struct.unpack("f", struct.pack("f", value))[0]
    for digits in range(1, 10):
        shown = f"{value:.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(shown)))[0] == single:
            return _plain_number(shown)
    return _plain_number(repr(value))


def _plain_number(shown: str) -> str:
    mantissa, mark, exponent = shown.partition("e")
    if not mark:
        return shown
    power = int(exponent)
    if power < -6:
        return f"{mantissa}e-{abs(power):02}"
    return f"{float(shown):.{max(0, len(mantissa.replace('.', '').lstrip('-')) - 1 - power)}f}"
