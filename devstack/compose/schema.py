"""What a Compose file may hold: every section of the Compose Specification."""

from __future__ import annotations

from devstack.compose.schema_service import SERVICE, SERVICE_KEYS
from devstack.compose.shapes import Faults, Shape, boolean, integer, matching, scalar, text, text_or_number
from devstack.compose.shapes_of_containers import (
    dictionary,
    either,
    list_or_dict,
    listing,
    mapping,
    optional,
    text_or_list,
)
from devstack.document import MappingNode, Node, did_you_mean

_TEXTS = listing(text)
_EXTERNAL = either(boolean, mapping({"name": text}, what="external"), expected="true or false")
_OPTIONS = dictionary(text_or_number)
_IPAM = mapping(
    {
        "driver": text,
        "config": listing(
            mapping({"subnet": text, "ip_range": text, "gateway": text, "aux_addresses": dictionary(text)}, what="an address pool")
        ),
        "options": dictionary(text),
    },
    what="ipam",
)
NETWORK = optional(
    mapping(
        {
            "name": text,
            "driver": text,
            "driver_opts": _OPTIONS,
            "ipam": optional(_IPAM),
            "external": _EXTERNAL,
            "internal": boolean,
            "enable_ipv4": boolean,
            "enable_ipv6": boolean,
            "attachable": boolean,
            "labels": list_or_dict,
        },
        what="a network",
    )
)
VOLUME = optional(
    mapping({"name": text, "driver": text, "driver_opts": _OPTIONS, "external": _EXTERNAL, "labels": list_or_dict}, what="a volume")
)
_FILE_OBJECT = {
    "name": text,
    "environment": text,
    "file": text,
    "external": _EXTERNAL,
    "labels": list_or_dict,
    "template_driver": text,
}
SECRET = mapping({**_FILE_OBJECT, "driver": text, "driver_opts": _OPTIONS}, what="a secret")
CONFIG = mapping({**_FILE_OBJECT, "content": text}, what="a config")
MODEL = mapping(
    {"name": text, "model": text, "context_size": integer, "runtime_flags": _TEXTS}, what="a model", required=("model",)
)
_INCLUDE = either(
    text,
    mapping({"path": text_or_list, "env_file": text_or_list, "project_directory": text}, what="an include"),
    expected="a path or a mapping",
)
_NAMED = matching(r"[a-zA-Z0-9._-]+", "a name")


def named(shape: Shape, what: str) -> Shape:
    """A top-level section: names of letters, digits, dot, dash and underscore, and a value of one shape for each."""

    def check(node: Node, path: str, faults: Faults) -> Node:
        if isinstance(node, MappingNode):
            for entry in node.entries:
                if not all(char.isascii() and (char.isalnum() or char in "._-") for char in entry.key) or not entry.key:
                    slug = "".join(
                        char if char.isascii() and (char.isalnum() or char in "._-") else "-" for char in entry.key
                    ).strip("-.")
                    hint = f'call it "{slug}"' if slug else ""
                    faults.add(
                        entry.where, path, f"{entry.key!r} is no name for {what}: letters, digits, dot, dash, underscore", hint
                    )
        return dictionary(shape)(node, path, faults)

    return check


__all__ = ["SERVICE_KEYS", "TOP", "check_document"]

TOP: dict[str, Shape] = {
    "version": scalar,
    "name": text,
    "include": listing(_INCLUDE),
    "services": named(SERVICE, "a service"),
    "networks": optional(named(NETWORK, "a network")),
    "volumes": optional(named(VOLUME, "a volume")),
    "secrets": optional(named(SECRET, "a secret")),
    "configs": optional(named(CONFIG, "a config")),
    "models": optional(named(MODEL, "a model")),
}
_DOCUMENT = mapping(TOP, what="a Compose file", synonyms={"service": "services", "network": "networks", "volume": "volumes"})


def check_document(node: MappingNode, faults: Faults) -> MappingNode:
    """A whole file with types settled; what is wrong with it goes into `faults`."""
    services = [entry.key for entry in node.entries if entry.key not in TOP and isinstance(entry.value, MappingNode)]
    if node.entry("services") is None and any(_looks_like_service(node.get(key)) for key in services):
        entry = node.entry(next(key for key in services if _looks_like_service(node.get(key))))
        if entry is not None and not did_you_mean(entry.key, TOP):
            faults.add(entry.where, "", f'"{entry.key}" looks like a service', 'put it under "services:"')
            return node
    checked = _DOCUMENT(node, "", faults)
    return checked if isinstance(checked, MappingNode) else node


def _looks_like_service(node: Node | None) -> bool:
    return isinstance(node, MappingNode) and (node.entry("image") is not None or node.entry("build") is not None)
