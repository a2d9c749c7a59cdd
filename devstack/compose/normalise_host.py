"""The canonical form of what a service takes of its host: devices and their rates."""

from __future__ import annotations

from devstack.compose.fieldtypes import is_empty, items, size_text
from devstack.compose.merge import scalar_text
from devstack.compose.shapes import Faults
from devstack.compose.values import Json
from devstack.document import MappingNode, Node, ScalarNode, plain


def devices(node: Node, path: str, faults: Faults) -> Json:
    found: dict[str, Json] = {}
    for index, item in enumerate(items(node)):
        if isinstance(item, MappingNode):
            body = plain(item)
            entry = {key: value for key, value in body.items() if not key.startswith("x-")} if isinstance(body, dict) else {}
            source = str(entry.get("source", ""))
            entry = {"source": source, "target": entry.get("target") or source, "permissions": entry.get("permissions") or "rwm"}
        else:
            pieces = scalar_text(item).split(":") if isinstance(item, ScalarNode) else []
            if not 1 <= len(pieces) <= 3 or "" in pieces:
                faults.add(item, f"{path}[{index}]", "a device is HOST[:CONTAINER[:rwm]]")
                continue
            target = pieces[1] if len(pieces) > 1 else pieces[0]
            entry = {"source": pieces[0], "target": target, "permissions": pieces[2] if len(pieces) > 2 else "rwm"}
        found[str(entry["target"])] = entry
    return list(found.values())


def blkio(node: Node, path: str, faults: Faults) -> Json:
    found: dict[str, Json] = {}
    for entry in node.entries if isinstance(node, MappingNode) else ():
        if entry.key == "weight":
            found["weight"] = plain(entry.value)
        else:
            found[entry.key] = [_device_rate(item, f"{path}.{entry.key}", faults) for item in items(entry.value)]
    return {key: value for key, value in found.items() if not is_empty(value)}


def _device_rate(node: Node, path: str, faults: Faults) -> Json:
    """The names are capitals here: Compose prints them so."""
    found: dict[str, Json] = {}
    for entry in node.entries if isinstance(node, MappingNode) else ():
        match entry.key:
            case "path":
                found["Path"] = plain(entry.value)
            case "weight":
                found["Weight"] = plain(entry.value)
            case "rate":
                found["Rate"] = size_text(entry.value, f"{path}.rate", faults)
    return found
