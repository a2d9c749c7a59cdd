"""Paths of devstack.yml, which are relative to its own folder, said from the folder of the rendered file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from devstack.document import Entry, MappingNode, Node, ScalarNode, SequenceNode

Change = Callable[[str], str]


def beside(root: Path, folder: Path) -> Change:
    """A function from a path relative to `root` to one relative to `folder`."""

    def change(path: str) -> str:
        if path.startswith(("/", "~", "$")) or "://" in path:
            return path
        found = os.path.relpath(os.path.normpath(root / path), folder)
        return found if found.startswith("..") else "." if found == "." else f"./{found}"

    return change


def rebased(overlay: MappingNode, change: Change) -> MappingNode:
    """The overlay of a service with its build contexts, bind sources and files as seen from the rendered file."""
    found = overlay
    build = found.get("build")
    if isinstance(build, ScalarNode):
        found = _put(found, "build", _changed(build, change))
    elif isinstance(build, MappingNode):
        found = _put(found, "build", _field(build, "context", change))
    for key in ("env_file", "label_file"):
        found = _each(
            found, key, lambda item: _field(item, "path", change) if isinstance(item, MappingNode) else _changed(item, change)
        )
    found = _each(found, "volumes", lambda item: _volume(item, change))
    extends = found.get("extends")
    if isinstance(extends, MappingNode):
        found = _put(found, "extends", _field(extends, "file", change))
    develop = found.get("develop")
    if isinstance(develop, MappingNode):
        watch = _each(develop, "watch", lambda item: _field(item, "path", change) if isinstance(item, MappingNode) else item)
        found = _put(found, "develop", watch)
    return found


def rebased_file(section: Node, change: Change) -> Node:
    """A top-level `configs` or `secrets` with the files of its entries as seen from the rendered file."""
    if not isinstance(section, MappingNode):
        return section
    entries = tuple(
        replace(entry, value=_field(entry.value, "file", change) if isinstance(entry.value, MappingNode) else entry.value)
        for entry in section
    )
    return replace(section, entries=entries)


def _volume(item: Node, change: Change) -> Node:
    if isinstance(item, MappingNode):
        kind = item.get("type")
        return _field(item, "source", change) if isinstance(kind, ScalarNode) and kind.value == "bind" else item
    if isinstance(item, ScalarNode) and isinstance(item.value, str) and item.value.startswith("."):
        source, colon, rest = item.value.partition(":")
        return replace(item, value=f"{change(source)}{colon}{rest}")
    return item


def _changed(node: Node, change: Change) -> Node:
    return replace(node, value=change(node.value)) if isinstance(node, ScalarNode) and isinstance(node.value, str) else node


def _field(node: MappingNode, key: str, change: Change) -> MappingNode:
    value = node.get(key)
    return node if value is None else _put(node, key, _changed(value, change))


def _put(node: MappingNode, key: str, value: Node) -> MappingNode:
    return replace(node, entries=tuple(Entry(key, entry.where, value) if entry.key == key else entry for entry in node))


def _each(node: MappingNode, key: str, change: Callable[[Node], Node]) -> MappingNode:
    value = node.get(key)
    if isinstance(value, SequenceNode):
        return _put(node, key, replace(value, items=tuple(change(item) for item in value.items)))
    return node if value is None or isinstance(value, MappingNode) else _put(node, key, change(value))
