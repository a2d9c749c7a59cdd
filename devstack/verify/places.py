"""Where in the user's files something stands: the last Compose file that has the key, or devstack.yml."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from devstack.compose.model import Stack
from devstack.document import MappingNode, Node, SequenceNode, load, read_text
from devstack.errors import SpecError, Where
from devstack.spec.find import shown
from devstack.verify.base import Ground


def place(ground: Ground, *path: str) -> Where | None:
    """The place of a key such as ("services", "db", "ports"), as deep as the files have it; None where none does."""
    texts = {file: text for file, text in ground.project.sources.texts.items() if text}
    best: tuple[int, Where] | None = None
    for file in _files(ground):
        node = _document(file, texts.get(file))
        if node is not None and (found := _descend(node, path)) and (best is None or found[0] >= best[0]):
            best = found
    return best[1] if best is not None and best[0] > 1 else None


def _files(ground: Ground) -> tuple[Path, ...]:
    """devstack.yml comes last: what a person edits is where a person is sent."""
    return (*ground.declared.files, *(ground.spec.files if ground.spec else ()))


def text_of(ground: Ground, file: Path) -> str:
    """A file as it is on disk, or as it would be rendered; "" when it cannot be read."""
    try:
        return read_text(file, shown(file)) if file.is_file() else ground.project.sources.texts.get(file, "")
    except (SpecError, OSError):
        return ""


@lru_cache(maxsize=32)
def _parsed(file: Path, text: str) -> Node | None:
    try:
        return load(text, shown(file))
    except SpecError:
        return None


def _document(file: Path, text: str | None) -> Node | None:
    try:
        return _parsed(file, text if text is not None else read_text(file, shown(file)))
    except (SpecError, OSError):
        return None


def _descend(node: Node, path: tuple[str, ...]) -> tuple[int, Where] | None:
    """How deep the path leads, and the place there."""
    found: tuple[int, Where] | None = None
    for depth, part in enumerate(path, 1):
        if isinstance(node, MappingNode):
            entry = node.entry(part)
            if entry is None:
                break
            node, where = entry.value, entry.where
        elif isinstance(node, SequenceNode) and part.isdigit() and int(part) < len(node.items):
            node = node.items[int(part)]
            where = node.where
        else:
            break
        found = (depth, where)
    return found


def stack_files(stack: Stack) -> tuple[Path, ...]:
    """The Compose files of a stack that are on disk."""
    return tuple(file for file in stack.files if file.is_file())
