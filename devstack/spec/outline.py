"""A devstack.yml at a glance: which files it leads to, without checking the rest of it.

Commands that look at what runs, or stop it, need no more; they work on while the file is being edited, and are quicker.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, read
from devstack.errors import SpecError
from devstack.spec.find import LOCAL_NAMES


@dataclass(frozen=True, slots=True)
class Outline:
    """Where the rendered files are. `compose` are the adopted files."""

    root: Path
    compose: tuple[Path, ...]
    rendered: Path
    env: Path
    profiles: tuple[str, ...]


def outline(path: Path) -> Outline | None:
    """The outline, or None where only a full reading tells: local files, variables in paths, a file that cannot be read."""
    root = path.absolute().parent
    if any((root / name).exists() for name in LOCAL_NAMES):
        return None
    try:
        node = read(path)
    except SpecError:
        return None
    if not isinstance(node, MappingNode):
        return None
    render = node.get("render")
    named = [_texts(node.get("compose")), _texts(node.get("profiles")), _text(render, "compose"), _text(render, "env")]
    if any(item is None for item in named):
        return None
    adopted, profiles, target, env = (item or () for item in named)
    compose = tuple(root / name for name in adopted)
    home = compose[0].parent if compose else root
    rendered = root / target[0] if target else home / ("compose.devstack.yaml" if compose else "compose.yaml")
    beside = compose[0].parent if compose else rendered.parent
    return Outline(root, compose, rendered, root / env[0] if env else beside / ".env", profiles)


def _texts(node: Node | None) -> tuple[str, ...] | None:
    """A list of plain texts; () when the key is missing, None when it is anything else."""
    if node is None:
        return ()
    items = node.items if isinstance(node, SequenceNode) else (node,)
    texts = [item.value for item in items if isinstance(item, ScalarNode) and isinstance(item.value, str) and "$" not in item.value]
    return tuple(texts) if len(texts) == len(items) else None


def _text(node: Node | None, key: str) -> tuple[str, ...] | None:
    if node is None:
        return ()
    return _texts(node.get(key)) if isinstance(node, MappingNode) else None
