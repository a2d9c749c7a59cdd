"""The keys of a service and the shapes of their values."""

from __future__ import annotations

from devstack.compose.schema_build import BUILD, DEPLOY, DEVICE_REQUEST, EXTRA_HOSTS, FILE_USE, SIZE, ULIMITS
from devstack.compose.shapes import (
    Shape,
    anything,
    bare_boolean,
    bare_integer,
    between,
    boolean,
    integer,
    matching,
    nullable_text,
    number,
    one_of,
    scalar,
    text,
    text_or_number,
)
from devstack.compose.shapes_of_containers import (
    dictionary,
    either,
    list_or,
    list_or_dict,
    listing,
    mapping,
    optional,
    text_or_list,
    unique_texts,
)

_TEXTS = listing(text)
_COMMAND = optional(text_or_list)
_CONDITION = one_of("service_started", "service_healthy", "service_completed_successfully")
_PULL = r"always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+"

_DEPENDENCY = mapping(
    {"condition": _CONDITION, "restart": boolean, "required": bare_boolean}, what="a dependency", required=("condition",)
)
_HEALTHCHECK = mapping(
    {
        "disable": boolean,
        "interval": text,
        "retries": integer,
        "test": text_or_list,
        "timeout": text,
        "start_period": text,
        "start_interval": text,
    },
    what="a healthcheck",
    synonyms={"command": "test", "cmd": "test"},
)
_ATTACHMENT = mapping(
    {
        "aliases": _TEXTS,
        "interface_name": text,
        "ipv4_address": text,
        "ipv6_address": text,
        "link_local_ips": _TEXTS,
        "mac_address": text,
        "driver_opts": dictionary(text_or_number),
        "priority": bare_integer,
        "gw_priority": bare_integer,
    },
    what="a network of a service",
)
_PORT = mapping(
    {
        "name": text,
        "mode": text,
        "host_ip": text,
        "target": integer,
        "published": text_or_number,
        "protocol": text,
        "app_protocol": text,
    },
    what="a port",
)
_MOUNT = mapping(
    {
        "type": one_of("bind", "volume", "tmpfs", "cluster", "npipe", "image"),
        "source": text,
        "target": text,
        "read_only": boolean,
        "consistency": text,
        "bind": mapping(
            {
                "propagation": text,
                "create_host_path": boolean,
                "recursive": one_of("enabled", "disabled", "writable", "readonly"),
                "selinux": one_of("z", "Z"),
            },
            what="bind options",
        ),
        "volume": mapping({"labels": list_or_dict, "nocopy": boolean, "subpath": text}, what="volume options"),
        "tmpfs": mapping({"size": SIZE, "mode": bare_integer}, what="tmpfs options"),
        "image": mapping({"subpath": text}, what="image mount options"),
    },
    what="a mount",
    required=("type",),
    synonyms={"src": "source", "destination": "target", "dst": "target", "readonly": "read_only"},
)
_HOOK = mapping(
    {"command": text_or_list, "user": text, "privileged": boolean, "working_dir": text, "environment": list_or_dict},
    what="a hook",
    required=("command",),
)
_BLKIO_RATE = listing(mapping({"path": text, "rate": SIZE}, what="a device rate"))
_BLKIO = mapping(
    {
        "device_read_bps": _BLKIO_RATE,
        "device_read_iops": _BLKIO_RATE,
        "device_write_bps": _BLKIO_RATE,
        "device_write_iops": _BLKIO_RATE,
        "weight": integer,
        "weight_device": listing(mapping({"path": text, "weight": integer}, what="a device weight")),
    },
    what="blkio_config",
)
_WATCH = mapping(
    {
        "path": text,
        "action": one_of("rebuild", "sync", "restart", "sync+restart", "sync+exec"),
        "target": text,
        "ignore": text_or_list,
        "include": text_or_list,
        "exec": _HOOK,
        "initial_sync": boolean,
    },
    what="a watch rule",
    required=("path", "action"),
)
_ENV_FILE = either(
    text,
    mapping({"path": text, "format": text, "required": boolean}, what="an env file", required=("path",)),
    expected="a path or a mapping",
)
_DEVICE = either(
    text,
    mapping({"source": text, "target": text, "permissions": text}, what="a device", required=("source", "target")),
    expected="HOST[:CONTAINER[:rwm]] or a mapping",
)

SERVICE_KEYS: dict[str, Shape] = {
    "annotations": list_or_dict,
    "attach": boolean,
    "blkio_config": _BLKIO,
    "build": either(text, BUILD, expected="a folder or a mapping"),
    "cap_add": _TEXTS,
    "cap_drop": _TEXTS,
    "cgroup": one_of("host", "private"),
    "cgroup_parent": text,
    "command": _COMMAND,
    "configs": listing(FILE_USE),
    "container_name": matching(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", "a container name: letters, digits, dot, dash, underscore"),
    "cpu_count": integer,
    "cpu_percent": between(0, 100),
    "cpu_period": text_or_number,
    "cpu_quota": text_or_number,
    "cpu_rt_period": text_or_number,
    "cpu_rt_runtime": text_or_number,
    "cpu_shares": integer,
    "cpus": number,
    "cpuset": text,
    "credential_spec": mapping({"config": text, "file": text, "registry": text}, what="credential_spec"),
    "depends_on": list_or(text, dictionary(_DEPENDENCY)),
    "deploy": optional(DEPLOY),
    "develop": optional(mapping({"watch": listing(_WATCH)}, what="develop")),
    "device_cgroup_rules": unique_texts,
    "devices": listing(_DEVICE),
    "dns": text_or_list,
    "dns_opt": _TEXTS,
    "dns_search": text_or_list,
    "domainname": text,
    "entrypoint": _COMMAND,
    "env_file": list_or(_ENV_FILE, text),
    "environment": list_or_dict,
    "expose": listing(text_or_number),
    "extends": either(
        text, mapping({"service": text, "file": text}, what="extends", required=("service",)), expected="a service or a mapping"
    ),
    "external_links": unique_texts,
    "extra_hosts": EXTRA_HOSTS,
    "gpus": list_or(DEVICE_REQUEST, one_of("all")),
    "group_add": listing(text_or_number),
    "healthcheck": _HEALTHCHECK,
    "hostname": text,
    "image": text,
    "init": boolean,
    "ipc": text,
    "isolation": text,
    "label_file": text_or_list,
    "labels": list_or_dict,
    "links": _TEXTS,
    "logging": mapping({"driver": text, "options": dictionary(scalar)}, what="logging"),
    "mac_address": text,
    "mem_limit": SIZE,
    "mem_reservation": SIZE,
    "mem_swappiness": integer,
    "memswap_limit": SIZE,
    "models": list_or(text, dictionary(optional(mapping({"endpoint_var": text, "model_var": text}, what="a model of a service")))),
    "network_mode": text,
    "networks": list_or(text, dictionary(optional(_ATTACHMENT))),
    "oom_kill_disable": boolean,
    "oom_score_adj": between(-1000, 1000),
    "pid": nullable_text,
    "pids_limit": integer,
    "platform": text,
    "ports": listing(either(text_or_number, _PORT, expected="a port or a mapping")),
    "post_start": listing(_HOOK),
    "pre_stop": listing(_HOOK),
    "privileged": boolean,
    "profiles": _TEXTS,
    "provider": mapping({"type": text, "options": dictionary(anything)}, what="a provider", required=("type",)),
    "pull_policy": matching(_PULL, "a pull policy: always, never, build, missing, if_not_present, daily, weekly, every_<duration>"),
    "pull_refresh_after": text,
    "read_only": boolean,
    "restart": text,
    "runtime": text,
    "scale": integer,
    "secrets": listing(FILE_USE),
    "security_opt": unique_texts,
    "shm_size": SIZE,
    "stdin_open": boolean,
    "stop_grace_period": text,
    "stop_signal": text,
    "storage_opt": dictionary(scalar),
    "sysctls": list_or_dict,
    "tmpfs": text_or_list,
    "tty": boolean,
    "ulimits": ULIMITS,
    "use_api_socket": boolean,
    "user": text,
    "userns_mode": text,
    "uts": text,
    "volumes": listing(either(text, _MOUNT, expected="SOURCE:TARGET or a mapping")),
    "volumes_from": unique_texts,
    "working_dir": text,
}
_SYNONYMS = {
    "env": "environment",
    "envs": "environment",
    "cmd": "command",
    "port": "ports",
    "volume": "volumes",
    "restart_policy": "restart",
    "dockerfile": "build",
    "name": "container_name",
    "health_check": "healthcheck",
    "workdir": "working_dir",
    "network": "networks",
    "memory": "mem_limit",
    "cpu": "cpus",
    "depend_on": "depends_on",
    "replicas": "scale",
}

SERVICE = mapping(SERVICE_KEYS, what="a service", synonyms=_SYNONYMS)
