"""Problems that are found in a rendered Compose file, told at the place in devstack.yml that they come from."""

from __future__ import annotations

import re
from dataclasses import replace

from devstack.document import Entry, MappingNode, Node, SequenceNode, with_excerpts
from devstack.errors import Problem, SpecError, Where
from devstack.spec.find import shown
from devstack.spec.model import Spec


def at_origin(error: SpecError, spec: Spec) -> SpecError:
    """The same problems; those of the rendered file at their keys in devstack.yml, or at the service's name where a kind wrote the key."""
    names = {str(spec.render.compose), shown(spec.render.compose), spec.render.compose.name}
    sources = {shown(path): path.read_text(encoding="utf-8", errors="replace") for path in spec.files}
    problems = [_moved(problem, spec) if problem.where.file in names else problem for problem in error.problems]
    return SpecError(with_excerpts(problems, sources))


def _moved(problem: Problem, spec: Spec) -> Problem:
    where = _place(problem.path, spec)
    return problem if where is None else replace(problem, where=where, excerpt=())


def _place(path: str, spec: Spec) -> Where | None:
    """Where the deepest key of a path stands in the spec; None when nothing of it does."""
    parts = [part for part in re.split(r"\.|\[(\d+)\]", path) if part]
    if len(parts) > 1 and parts[0] == "services" and parts[1] in spec.services:
        service = spec.services[parts[1]]
        return _deepest(service.overlay, parts[2:]) or service.where
    if parts and parts[0] in spec.top:
        return _deepest(spec.top[parts[0]], parts[1:]) or spec.top[parts[0]].where
    return None


def _deepest(node: Node, parts: list[str]) -> Where | None:
    found: Where | None = None
    for part in parts:
        inner: Entry | Node | None = None
        if isinstance(node, MappingNode):
            inner = node.entry(part)
        elif isinstance(node, SequenceNode) and part.isdigit() and int(part) < len(node.items):
            inner = node.items[int(part)]
        if inner is None:
            return found
        found = inner.where
        node = inner.value if isinstance(inner, Entry) else inner
    return found
