"""YAML documents: the one door to PyYAML. Strict loading with positions, problems that show their line, dumping."""

from __future__ import annotations

from pathlib import Path

from devstack.document.encoding import read_text
from devstack.document.nodes import Entry, MappingNode, Node, Scalar, ScalarNode, SequenceNode, kind_of, node_of, plain
from devstack.document.problems import did_you_mean, excerpt, problem, with_excerpts
from devstack.document.reader import load
from devstack.document.scalars import float_text, resolve
from devstack.document.writer import dump

__all__ = [
    "Entry",
    "MappingNode",
    "Node",
    "Scalar",
    "ScalarNode",
    "SequenceNode",
    "did_you_mean",
    "dump",
    "excerpt",
    "float_text",
    "kind_of",
    "load",
    "node_of",
    "plain",
    "problem",
    "read",
    "read_text",
    "resolve",
    "with_excerpts",
]


def read(path: Path, shown: str | None = None) -> Node | None:
    """The document in a regular file of at most 5 MiB; `shown` is how errors call the file. Raises `SpecError`."""
    return load(read_text(path, shown), shown or str(path))
