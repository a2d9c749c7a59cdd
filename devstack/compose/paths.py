"""Relative host paths of a document made absolute, on nodes, so that documents from several folders can be merged."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from devstack.document import Entry, MappingNode, Node, ScalarNode, SequenceNode

_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def absolute(path: str, directory: Path, home: str) -> str:
    """`path` as an absolute one: `~` is `home`, a relative one begins at `directory`, its `..` resolved in the text."""
    if path == "~" or path.startswith("~/"):
        return os.path.normpath(home + path[1:])
    if _WINDOWS.match(path) or path.startswith("/"):
        return path
    return os.path.normpath(os.path.join(directory, path))  # noqa: PTH118 - text, not the file system


def is_remote(context: str) -> bool:
    """Whether a build context is fetched from elsewhere."""
    return bool(_REMOTE.match(context)) or context.startswith(("service:", "docker-image:", "target:", "oci-layout:"))


class Rebase:
    """Makes the paths of documents absolute."""

    def __init__(self, directory: Path, home: str) -> None:
        self.directory = directory
        self.home = home

    def path(self, node: Node) -> Node:
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and node.value:
            return replace(node, value=absolute(node.value, self.directory, self.home))
        return node

    def document(self, node: MappingNode) -> MappingNode:
        return _change(
            node,
            services=lambda value: _each(value, self.service),
            secrets=lambda value: _each(value, self.file_object),
            configs=lambda value: _each(value, self.file_object),
            volumes=lambda value: _each(value, self.volume),
        )

    def service(self, node: Node) -> Node:
        if not isinstance(node, MappingNode):
            return node
        return _change(
            node,
            build=self.build,
            env_file=self.files,
            label_file=self.files,
            volumes=lambda value: _items(value, self.mount),
            develop=lambda value: _inside(value, watch=lambda rules: _items(rules, lambda rule: _inside(rule, path=self.path))),
        )

    def files(self, node: Node) -> Node:
        if isinstance(node, SequenceNode):
            return _items(node, self.files)
        return _inside(node, path=self.path) if isinstance(node, MappingNode) else self.path(node)

    def build(self, node: Node) -> Node:
        if isinstance(node, MappingNode):
            return _change(node, context=self.context, additional_contexts=self.contexts, ssh=self.keys)
        return self.context(node)

    def context(self, node: Node) -> Node:
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and is_remote(node.value):
            return node
        return self.path(node)

    def keys(self, node: Node) -> Node:
        """Ssh keys: a path behind a name; a name alone is an agent."""
        return _each(node, self.path) if isinstance(node, MappingNode) else _items(node, lambda item: _behind(item, self.path))

    def contexts(self, node: Node) -> Node:
        if isinstance(node, MappingNode):
            return _each(node, self.context)
        return _items(node, lambda item: _behind(item, self.context))

    def mount(self, node: Node) -> Node:
        if isinstance(node, MappingNode):
            kind = node.get("type")
            return _change(node, source=self.path) if isinstance(kind, ScalarNode) and kind.value == "bind" else node
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and node.value.startswith((".", "~")):
            source, separator, rest = node.value.partition(":")
            if separator:
                return replace(node, value=f"{absolute(source, self.directory, self.home)}:{rest}")
        return node

    def file_object(self, node: Node) -> Node:
        return _inside(node, file=self.path)

    def volume(self, node: Node) -> Node:
        return node


Change = Callable[[Node], Node]


def _behind(node: Node, change: Change) -> Node:
    """NAME=value with its value changed."""
    if isinstance(node, ScalarNode) and isinstance(node.value, str) and "=" in node.value:
        name, _, value = node.value.partition("=")
        found = change(replace(node, value=value))
        return replace(node, value=f"{name}={found.value if isinstance(found, ScalarNode) else value}")
    return node


def _change(node: MappingNode, **changes: Change) -> MappingNode:
    """The mapping with some of its values changed."""
    if not any(entry.key in changes for entry in node.entries):
        return node
    return replace(node, entries=tuple(_changed(entry, changes.get(entry.key)) for entry in node.entries))


def _changed(entry: Entry, change: Change | None) -> Entry:
    return entry if change is None else Entry(entry.key, entry.where, change(entry.value))


def _inside(node: Node, **changes: Change) -> Node:
    return _change(node, **changes) if isinstance(node, MappingNode) else node


def _each(node: Node, change: Change) -> Node:
    if not isinstance(node, MappingNode):
        return node
    return replace(node, entries=tuple(Entry(entry.key, entry.where, change(entry.value)) for entry in node.entries))


def _items(node: Node, change: Change) -> Node:
    return replace(node, items=tuple(change(item) for item in node.items)) if isinstance(node, SequenceNode) else node
