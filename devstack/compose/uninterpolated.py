"""The model with its variables left standing, as `docker compose config --no-interpolate` prints it.

Long forms take the place of short ones where no variable is in the way; nothing is checked that a variable could still change.
"""

from __future__ import annotations

from collections.abc import Callable

from devstack.compose import mounts, normalise, ports, references
from devstack.compose.model import Json
from devstack.compose.raw import Raw
from devstack.compose.shapes import Faults
from devstack.document import MappingNode, Node, plain

_SECTIONS = ("networks", "volumes", "secrets", "configs")
_LISTED = ("dns", "label_file")
_KEYED = ("environment", "labels", "annotations", "sysctls")
_UNIQUE = ("cap_add", "cap_drop", "profiles", "expose", "security_opt")
_LONG: dict[str, Callable[[Node, str, Faults], Json]] = {
    "depends_on": normalise.depends_on,
    "networks": normalise.networks,
    "ports": ports.ports,
    "volumes": mounts.mounts,
    "devices": normalise.devices,
}


def uninterpolated(raw: Raw) -> Json:
    """The whole model as plain data, keys sorted."""
    services = raw.document.get("services")
    found: dict[str, Json] = {"name": raw.name}
    bodies = {entry.key: _service(entry.value, raw) for entry in services.entries} if isinstance(services, MappingNode) else {}
    found["services"] = dict(sorted(bodies.items()))
    for section in _SECTIONS:
        named = _section(raw, section)
        if section == "networks" and any(_is_on_default(body) for body in bodies.values()):
            named.setdefault("default", {"name": f"{raw.name}_default"})
        if named:
            found[section] = dict(sorted(named.items()))
    found |= {entry.key: plain(entry.value) for entry in raw.document.entries if entry.key.startswith("x-")}
    return dict(sorted(found.items()))


def _is_on_default(body: Json) -> bool:
    networks = body.get("networks") if isinstance(body, dict) else None
    return isinstance(networks, dict) and "default" in networks


def _section(raw: Raw, section: str) -> dict[str, Json]:
    node = raw.document.get(section)
    found: dict[str, Json] = {}
    for entry in node.entries if isinstance(node, MappingNode) else ():
        body = plain(entry.value)
        given = body if isinstance(body, dict) else {}
        name = entry.key if given.get("external") else f"{raw.name}_{entry.key}"
        found[entry.key] = {"name": name, **given}
    return found


def _service(node: Node, raw: Raw) -> Json:
    if not isinstance(node, MappingNode):
        return plain(node)
    found = {entry.key: _value(entry.key, entry.value) for entry in node.entries}
    if "build" in found:
        found["build"] = _build(found["build"], str(raw.directory))
    if not found.get("networks") and not found.get("network_mode") and "provider" not in found:
        found["networks"] = {"default": None}
    references.imply(found)
    return dict(sorted(found.items()))


def _build(build: Json, directory: str) -> Json:
    if not isinstance(build, dict):
        return {"context": build, "dockerfile": "Dockerfile"}
    made: dict[str, Json] = {"context": directory, "dockerfile": "Dockerfile", **build}
    if "dockerfile_inline" in build:
        made.pop("dockerfile")
    if isinstance(used := made.get("secrets"), list):
        made["secrets"] = [{"source": item} if isinstance(item, str) else item for item in used]
    return made


def _value(key: str, node: Node) -> Json:
    if key in _LONG:
        faults = Faults()
        made = _LONG[key](node, key, faults)
        return plain(node) if faults.problems else made
    return _lengthened(key, plain(node))


def _lengthened(key: str, value: Json) -> Json:
    """A value in its long form, where that is the same whatever the variables in it become."""
    items: list[Json] = value if isinstance(value, list) else [value]
    match key:
        case "env_file":
            return [
                {"path": item, "required": True} if isinstance(item, str) else {"required": True, **_object(item)} for item in items
            ]
        case "secrets" | "configs":
            folder = "/run/secrets/" if key == "secrets" else ""
            return [_used(item, folder) if isinstance(item, str) else item for item in items]
        case "gpus" if value == "all":
            return [{"count": "all"}]
        case "command" | "entrypoint" if not value:
            return None
        case _ if key in _UNIQUE:
            return [item for number, item in enumerate(items) if item not in items[:number]]
        case _ if key in _KEYED and isinstance(value, list):
            return list({str(item).partition("=")[0]: item for item in items}.values())
        case _:
            return items if key in _LISTED else value


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _used(name: str, folder: str) -> Json:
    return {"source": name, "target": folder + name} if folder else {"source": name}
