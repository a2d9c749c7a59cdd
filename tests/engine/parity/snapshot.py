"""Everything that `docker inspect` says about a project's containers, networks, volumes and images, made comparable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import docker

from devstack import labels

Settings: TypeAlias = Mapping[str, object]
"""{"container many-1 HostConfig.Init": true}; a list is one setting."""

IN_ORDER = {"Cmd", "Entrypoint", "Args", "Test", "Dns", "DnsSearch", "DnsOptions"}
"""Lists whose order means something; all others are compared as sets."""
EVENTS = {
    "Created": "when it was made",
    "CreatedAt": "when it was made",
    "StartedAt": "when it was started",
    "FinishedAt": "when it ended",
    "LastTagTime": "when it was built",
    "Pid": "chosen by the kernel",
    "Health": "what the probes found so far",
    "Containers": "told by the containers themselves",
    "EndpointID": "chosen by the engine",
    "SandboxID": "chosen by the engine",
    "SandboxKey": "chosen by the engine",
    "Id": "chosen by the engine",
    "ID": "chosen by the engine",
    "Mountpoint": "chosen by the engine",
    "GraphDriver": "where the engine keeps the files",
    "RootFS": "a built image has its own layers",
    "Metadata": "when it was built",
    "ExecIDs": "probes and hooks under way",
    "IPPrefixLen": "chosen by the engine with the address",
    "DNSNames": "the engine's own list, made of the name and the aliases",
}
"""Keys that are no settings, and why."""
CHOSEN = {"IPAddress", "GlobalIPv6Address", "Gateway", "IPv6Gateway", "MacAddress", "Subnet", "IPRange"}
"""Addresses that the engine chooses, unless the file fixes them."""
FIXED = ("10.231.77.", "fd00:231:77:", "02:42:ac:11:65:")
"""How the addresses begin that the corpus fixes."""

_ID = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The settings of one project at one moment."""

    settings: Settings

    @property
    def things(self) -> set[str]:
        """ "container many-1", "network back", ..."""
        return {" ".join(path.split(" ", 2)[:2]) for path in self.settings}


def snapshot(sdk: docker.DockerClient, project: str, *, fixed_ports: frozenset[str]) -> Snapshot:
    """What the engine says about a project. Ports other than the fixed ones were chosen by the engine."""
    mine = {"label": f"{labels.PROJECT}={project}"}
    found: dict[str, object] = {}
    images: dict[str, Any] = {}
    for container in sdk.containers.list(all=True, filters=mine):
        attrs = container.attrs
        found |= _flat(f"container {_plain(container.name, project)}", attrs, fixed_ports)
        if attrs["Config"]["Image"].startswith(project):
            images[attrs["Config"]["Image"]] = sdk.images.get(attrs["Config"]["Image"]).attrs
    for network in sdk.networks.list(filters=mine, greedy=True):
        found |= _flat(f"network {_plain(network.name, project)}", network.attrs, fixed_ports)
    for volume in sdk.volumes.list(filters=mine):
        found |= _flat(f"volume {_plain(volume.name, project)}", volume.attrs, fixed_ports)
    for name, attrs in images.items():
        found |= _flat(f"image {_plain(name, project)}", attrs, fixed_ports)
    return Snapshot(found)


def _plain(name: str, project: str) -> str:
    return _ID.sub("ID", name.removeprefix(project).lstrip("-_"))


def _flat(thing: str, attrs: Any, fixed_ports: frozenset[str]) -> dict[str, object]:
    comparable = _settled(attrs, "", fixed_ports)
    if isinstance(comparable.get("Mounts"), list):
        # By where it is mounted: a list would be one setting, and hide which part of it differs.
        comparable["Mounts"] = {mount["Destination"]: mount for mount in comparable["Mounts"]}
    return {f"{thing} {path}": value for path, value in _leaves(comparable, "")}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    else:
        yield path, value


def _settled(value: Any, key: str, fixed_ports: frozenset[str]) -> Any:
    """The value without what is different each time. What is empty and what is missing are the same to the engine."""
    match value:
        case dict():
            pairs = {k: _settled(v, k, fixed_ports) for k, v in sorted(value.items()) if k not in EVENTS}
            # An endpoint's and a volume's own id can be a key, too.
            return {_ID.sub("ID", k): v for k, v in pairs.items() if v not in (None, "", {}, []) or k in ("Cmd", "Entrypoint")}
        case list():
            items = [_settled(item, key, fixed_ports) for item in value]
            if key in IN_ORDER:
                return items
            # Compose names some aliases and links twice.
            return [json.loads(text) for text in sorted({json.dumps(item, sort_keys=True) for item in items})]
        case str():
            return _text(value, key, fixed_ports)
    return value


def _text(value: str, key: str, fixed_ports: frozenset[str]) -> str:
    if key == labels.DEPENDS_ON:
        return ",".join(sorted(value.split(",")))
    if key == labels.CONFIG_HASH:
        return value
    if key in CHOSEN and value and not value.startswith(FIXED):
        return "CHOSEN"
    if key == "HostPort" and value and value not in fixed_ports:
        return "CHOSEN"
    return _ID.sub("ID", value)
