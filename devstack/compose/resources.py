"""The canonical form of networks, volumes, secrets, configs and models, with the names they have on the engine."""

from __future__ import annotations

import os
from pathlib import Path

from devstack.compose.fieldtypes import Canonical, as_is, each, labels, options, section, text_map, texts
from devstack.compose.model import Json
from devstack.compose.shapes import Faults
from devstack.document import MappingNode, Node, ScalarNode, plain

_POOL = section({"subnet": as_is, "gateway": as_is, "ip_range": as_is, "aux_addresses": options})
_IPAM = section({"driver": as_is, "config": each(_POOL)})
_NETWORK: dict[str, Canonical] = {
    "name": as_is,
    "driver": as_is,
    "driver_opts": options,
    "ipam": _IPAM,
    "internal": as_is,
    "attachable": as_is,
    "labels": labels,
}
_VOLUME: dict[str, Canonical] = {"name": as_is, "driver": as_is, "driver_opts": options, "labels": labels}
_FILE: dict[str, Canonical] = {
    "name": as_is,
    "file": as_is,
    "environment": as_is,
    "content": as_is,
    "labels": labels,
    "driver": as_is,
    "driver_opts": options,
    "template_driver": as_is,
}
_MODEL: dict[str, Canonical] = {"name": as_is, "model": as_is, "context_size": as_is, "runtime_flags": texts}
_MADE_WITH = ("driver", "driver_opts", "labels")


def network(key: str, node: Node, project: str, path: str, faults: Faults) -> dict[str, Json]:
    found = _resource(_NETWORK, key, node, project, path, faults)
    found.setdefault("ipam", {})
    for flag in ("enable_ipv4", "enable_ipv6"):
        value = node.get(flag) if isinstance(node, MappingNode) else None
        if isinstance(value, ScalarNode) and isinstance(value.value, bool):
            found[flag] = value.value
    return found


def volume(key: str, node: Node, project: str, path: str, faults: Faults, directory: Path) -> dict[str, Json]:
    found = _resource(_VOLUME, key, node, project, path, faults)
    opts = found.get("driver_opts")
    device = opts.get("device") if isinstance(opts, dict) else None
    if isinstance(opts, dict) and isinstance(device, str) and found.get("driver") == "local" and opts.get("o") == "bind":
        opts["device"] = os.path.normpath(directory / device)
    return found


def file_object(key: str, node: Node, project: str, path: str, faults: Faults) -> dict[str, Json]:
    """A secret or config, which has exactly one origin unless it is external."""
    found = _resource(_FILE, key, node, project, path, faults)
    written = node.keys() if isinstance(node, MappingNode) else ()
    origins = [name for name in ("file", "environment", "content") if name in written]
    allowed = "file, environment" if path.startswith("secrets") else "file, environment, content"
    if not found.get("external") and len(origins) > 1:
        faults.add(node, path, f"{' and '.join(origins)} exclude each other")
    elif not found.get("external") and not origins and "driver" not in found:
        faults.add(node, path, f"one of {allowed} has to be set")
    return found


def model(key: str, node: Node, project: str, path: str, faults: Faults) -> dict[str, Json]:
    return _resource(_MODEL, key, node, project, path, faults)


def _resource(fields: dict[str, Canonical], key: str, node: Node, project: str, path: str, faults: Faults) -> dict[str, Json]:
    made = section(fields)(node, path, faults)
    found = made if isinstance(made, dict) else {}
    external, outer = _external(node, path, faults)
    if external:
        found["external"] = True
        found["name"] = found.get("name") or outer or key
        for name in _MADE_WITH if path.startswith("volumes") else ():
            if name in found:
                faults.add(node, path, f'"{name}" cannot be set on a volume that is external', "it exists already; remove the key")
    else:
        found["name"] = found.get("name") or f"{project}_{key}"
    return found


def _external(node: Node, path: str, faults: Faults) -> tuple[bool, str]:
    """Whether it is external, and the name of the old form `external: {name: x}`."""
    value = node.get("external") if isinstance(node, MappingNode) else None
    if isinstance(value, MappingNode):
        faults.note(f"{value.where}: {path}: external.name is deprecated; set name and external: true")
        return True, str(text_map(value).get("name") or "")
    return bool(value is not None and plain(value)), ""
