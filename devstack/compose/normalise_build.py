"""The canonical form of `build`, `deploy` and device requests."""

from __future__ import annotations

from devstack.compose.fieldtypes import (
    as_is,
    decimal,
    duration,
    each,
    environment,
    files_used,
    hosts,
    labels,
    section,
    size_text,
    text_map,
    texts,
    ulimits,
    unique_texts,
    whole,
)
from devstack.compose.merge import keyed, scalar_text
from devstack.compose.model import Json
from devstack.compose.shapes import Faults
from devstack.document import MappingNode, Node, ScalarNode, plain


def _build_secrets(node: Node, path: str, faults: Faults) -> Json:
    return files_used(node, path, faults)


def _ssh(node: Node, path: str, faults: Faults) -> Json:
    """`default` or `id=path` entries."""
    found = text_map(keyed(node))
    return [f"{name}={value}" if value else name for name, value in found.items()]


def _flag_text(node: Node, path: str, faults: Faults) -> Json:
    """`provenance` and `sbom`: a boolean or a list of settings, as text."""
    return scalar_text(node) if isinstance(node, ScalarNode) else None


_BUILD = section(
    {
        "context": as_is,
        "dockerfile": as_is,
        "dockerfile_inline": as_is,
        "entitlements": texts,
        "args": environment,
        "provenance": _flag_text,
        "sbom": _flag_text,
        "ssh": _ssh,
        "labels": labels,
        "cache_from": texts,
        "cache_to": texts,
        "no_cache": as_is,
        "additional_contexts": labels,
        "pull": as_is,
        "extra_hosts": hosts,
        "isolation": as_is,
        "network": as_is,
        "target": as_is,
        "secrets": _build_secrets,
        "shm_size": size_text,
        "tags": unique_texts,
        "ulimits": ulimits,
        "platforms": texts,
        "privileged": as_is,
    }
)


def build(node: Node, path: str, faults: Faults) -> Json:
    if isinstance(node, ScalarNode):
        return {"context": plain(node), "dockerfile": "Dockerfile"} if node.value else {"dockerfile": "Dockerfile"}
    found = _BUILD(node, path, faults)
    if isinstance(found, dict):
        if found.get("dockerfile_inline") and found.get("dockerfile"):
            faults.add(node, path, '"dockerfile" and "dockerfile_inline" exclude each other')
        if not found.get("dockerfile_inline"):
            found.setdefault("dockerfile", "Dockerfile")
    return found


def _count(node: Node, path: str, faults: Faults) -> Json:
    value = node.value if isinstance(node, ScalarNode) else None
    if value == "all":
        return -1
    if isinstance(value, str) and not value.lstrip("-").isdigit():
        faults.add(node, path, f'{value!r} is no count: a number, or "all"')
        return None
    return int(value) if isinstance(value, (str, int, float)) else None


_REQUEST = section({"capabilities": texts, "driver": as_is, "count": _count, "device_ids": texts, "options": labels})


def device_requests(node: Node, path: str, faults: Faults) -> Json:
    if isinstance(node, ScalarNode):
        return [{"count": -1}]
    return each(_REQUEST)(node, path, faults)


def _reserved(node: Node, path: str, faults: Faults) -> Json:
    for entry in node.entries if isinstance(node, MappingNode) else ():
        if entry.key == "devices":
            requests = plain(entry.value)
            for index, request in enumerate(requests if isinstance(requests, list) else []):
                if isinstance(request, dict) and not request.get("capabilities"):
                    faults.add(entry.where, f"{path}.devices[{index}]", 'the key "capabilities" is missing, as in [gpu]')
                if isinstance(request, dict) and request.get("count") is not None and request.get("device_ids"):
                    faults.add(entry.where, f"{path}.devices[{index}]", '"count" and "device_ids" exclude each other')
    return _RESERVED(node, path, faults)


_RESERVED = section(
    {
        "cpus": decimal,
        "memory": size_text,
        "devices": each(_REQUEST),
        "generic_resources": each(section({"discrete_resource_spec": section({"kind": as_is, "value": as_is})})),
    }
)
_ROLL = section(
    {
        "parallelism": as_is,
        "delay": duration,
        "failure_action": as_is,
        "monitor": duration,
        "max_failure_ratio": decimal,
        "order": as_is,
    },
    keep=frozenset(("parallelism",)),
)
_DEPLOY = section(
    {
        "mode": as_is,
        "replicas": as_is,
        "labels": labels,
        "update_config": _ROLL,
        "rollback_config": _ROLL,
        "resources": section({"limits": section({"cpus": decimal, "memory": size_text, "pids": whole}), "reservations": _reserved}),
        "restart_policy": section({"condition": as_is, "delay": duration, "max_attempts": as_is, "window": duration}),
        "placement": section(
            {"constraints": texts, "preferences": each(section({"spread": as_is})), "max_replicas_per_node": whole}
        ),
        "endpoint_mode": as_is,
    },
    keep=frozenset(("replicas",)),
)


def deploy(node: Node, path: str, faults: Faults) -> Json:
    if not isinstance(node, MappingNode):
        return None
    found = _DEPLOY(node, path, faults)
    return {"resources": {}, "placement": {}, **found} if isinstance(found, dict) else None
