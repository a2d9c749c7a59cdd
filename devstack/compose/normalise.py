"""The canonical form of a service, key by key, as `docker compose config --format json` prints it."""

from __future__ import annotations

from devstack.compose import ports as port_forms
from devstack.compose.fieldtypes import (
    Canonical,
    as_is,
    command,
    decimal,
    duration,
    each,
    environment,
    files_used,
    hosts,
    is_empty,
    items,
    labels,
    options,
    section,
    size_text,
    texts,
    ulimits,
    unique_texts,
    whole,
)
from devstack.compose.merge import dependencies, scalar_text
from devstack.compose.model import Json
from devstack.compose.mounts import mounts
from devstack.compose.normalise_build import build, deploy, device_requests
from devstack.compose.normalise_host import blkio, devices
from devstack.compose.shapes import Faults
from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, plain


def healthcheck(node: Node, path: str, faults: Faults) -> Json:
    found = _PROBE(node, path, faults)
    test = node.get("test") if isinstance(node, MappingNode) else None
    if isinstance(found, dict) and test is not None:
        words = _probe(test, f"{path}.test", faults)
        if words:
            found["test"] = words
    retries = found.get("retries") if isinstance(found, dict) else None
    if isinstance(retries, int) and retries < 0:
        faults.add(node, f"{path}.retries", f"{retries} retries are not possible")
    return found


_PROBE = section(
    {
        "interval": duration,
        "timeout": duration,
        "start_period": duration,
        "start_interval": duration,
        "retries": whole,
        "disable": as_is,
    }
)


def _probe(node: Node, path: str, faults: Faults) -> list[Json]:
    if isinstance(node, ScalarNode):
        return ["CMD-SHELL", scalar_text(node)]
    words = [scalar_text(item) for item in items(node) if isinstance(item, ScalarNode)]
    if words and words[0] not in ("CMD", "CMD-SHELL", "NONE"):
        faults.add(node, path, f"the list begins with {words[0]!r}", 'begin it with "CMD", or write the probe as one text')
    return list(words)


def depends_on(node: Node, path: str, faults: Faults) -> Json:
    found: dict[str, Json] = {}
    mapping = dependencies(node)
    for entry in mapping.entries if isinstance(mapping, MappingNode) else ():
        body = plain(entry.value)
        if isinstance(body, dict):
            edge: dict[str, Json] = {"condition": body.get("condition"), "required": body.get("required", True)}
            if body.get("restart"):
                edge["restart"] = True
            found[entry.key] = edge
    return found


def networks(node: Node, path: str, faults: Faults) -> Json:
    if isinstance(node, SequenceNode):
        return {scalar_text(item): None for item in items(node) if isinstance(item, ScalarNode)}
    if not isinstance(node, MappingNode):
        return {}
    return {entry.key: _attachment(entry.value, f"{path}.{entry.key}", faults) for entry in node.entries}


def _attachment(node: Node, path: str, faults: Faults) -> Json:
    return _ATTACHMENT(node, path, faults) if isinstance(node, MappingNode) else None


_ATTACHMENT = section(
    {
        "aliases": unique_texts,
        "driver_opts": options,
        "gw_priority": as_is,
        "interface_name": as_is,
        "ipv4_address": as_is,
        "ipv6_address": as_is,
        "link_local_ips": unique_texts,
        "mac_address": as_is,
        "priority": as_is,
    }
)


def pull_policy(node: Node, path: str, faults: Faults) -> Json:
    text = scalar_text(node) if isinstance(node, ScalarNode) else ""
    return "missing" if text == "if_not_present" else text


def provider(node: Node, path: str, faults: Faults) -> Json:
    body = plain(node)
    if not isinstance(body, dict):
        return None
    given = node.get("options") if isinstance(node, MappingNode) else None
    found: dict[str, Json] = {"type": body.get("type")}
    if isinstance(given, MappingNode):
        found["options"] = {entry.key: texts(entry.value, path, faults) for entry in given.entries}
    return found


def credential_spec(node: Node, path: str, faults: Faults) -> Json:
    body = plain(node)
    return {key: value for key, value in body.items() if value} if isinstance(body, dict) else None


def secrets(node: Node, path: str, faults: Faults) -> Json:
    return files_used(node, path, faults, "/run/secrets/")


def configs(node: Node, path: str, faults: Faults) -> Json:
    return files_used(node, path, faults)


_HOOK = section({"command": command, "user": as_is, "privileged": as_is, "working_dir": as_is, "environment": environment})


def _watch_command(node: Node, path: str, faults: Faults) -> Json:
    return _HOOK(node, path, faults)


_RULE = section(
    {
        "path": as_is,
        "action": as_is,
        "target": as_is,
        "exec": _watch_command,
        "include": texts,
        "ignore": texts,
        "initial_sync": as_is,
    }
)


def develop(node: Node, path: str, faults: Faults) -> Json:
    watch = node.get("watch") if isinstance(node, MappingNode) else None
    rules: list[Json] = []
    for index, item in enumerate(items(watch) if watch is not None else ()):
        rule = _RULE(item, f"{path}.watch[{index}]", faults)
        if isinstance(rule, dict):
            rule.setdefault("exec", {"command": None})
            if rule.get("action") not in ("rebuild", "restart") and not rule.get("target"):
                faults.add(item, f"{path}.watch[{index}]", f'the action {rule.get("action")} needs a "target"')
            rules.append(rule)
    return {"watch": rules} if rules else {}


def models(node: Node, path: str, faults: Faults) -> Json:
    if isinstance(node, SequenceNode):
        return {scalar_text(item): None for item in items(node) if isinstance(item, ScalarNode)}
    return plain(node)


_TEXT_LISTS = ("device_cgroup_rules", "external_links", "group_add", "security_opt", "volumes_from")
_UNIQUE_LISTS = ("cap_add", "cap_drop", "dns", "dns_opt", "dns_search", "expose", "links", "profiles", "tmpfs")
_WHOLE = ("cpu_count", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "oom_score_adj", "pids_limit")
_SIZES = ("mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit", "shm_size")
_PLAIN = (
    "attach",
    "cgroup",
    "cgroup_parent",
    "container_name",
    "cpuset",
    "domainname",
    "hostname",
    "image",
    "init",
    "ipc",
    "isolation",
    "mac_address",
    "network_mode",
    "oom_kill_disable",
    "pid",
    "platform",
    "privileged",
    "read_only",
    "restart",
    "runtime",
    "scale",
    "stdin_open",
    "stop_signal",
    "tty",
    "use_api_socket",
    "user",
    "userns_mode",
    "uts",
    "working_dir",
)

FIELDS: dict[str, Canonical] = {
    **dict.fromkeys(_PLAIN, as_is),
    **dict.fromkeys(_TEXT_LISTS, texts),
    **dict.fromkeys(_UNIQUE_LISTS, unique_texts),
    **dict.fromkeys(_WHOLE, whole),
    **dict.fromkeys(_SIZES, size_text),
    **dict.fromkeys(("annotations", "labels", "sysctls"), labels),
    **dict.fromkeys(("command", "entrypoint"), command),
    **dict.fromkeys(("cpus", "cpu_percent"), decimal),
    **dict.fromkeys(("post_start", "pre_stop"), each(_HOOK)),
    "blkio_config": blkio,
    "build": build,
    "configs": configs,
    "credential_spec": credential_spec,
    "depends_on": depends_on,
    "deploy": deploy,
    "develop": develop,
    "devices": devices,
    "environment": environment,
    "extra_hosts": hosts,
    "gpus": device_requests,
    "healthcheck": healthcheck,
    "logging": section({"driver": as_is, "options": options}),
    "models": models,
    "networks": networks,
    "ports": port_forms.ports,
    "provider": provider,
    "pull_policy": pull_policy,
    "secrets": secrets,
    "stop_grace_period": duration,
    "storage_opt": options,
    "ulimits": ulimits,
    "volumes": mounts,
}
# Pointers in Compose's model: false and 0 are kept, empty mappings too.
_KEPT = frozenset(("attach", "init", "scale", "command", "entrypoint", "healthcheck", "logging"))


def service(node: MappingNode, path: str, faults: Faults) -> dict[str, Json]:
    """The canonical service without what is resolved later: env files, references, the default network."""
    found: dict[str, Json] = {"command": None, "entrypoint": None}
    for entry in node.entries:
        make = FIELDS.get(entry.key)
        if make is None:
            continue
        value = make(entry.value, f"{path}.{entry.key}", faults)
        if entry.key in _KEPT or (entry.key == "deploy" and value is not None) or not is_empty(value):
            found[entry.key] = value
    return found
