"""Variables in the values of a document. Keys are never interpolated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from devstack.compose.template import expand, references
from devstack.document import Entry, Node, ScalarNode, SequenceNode
from devstack.errors import Problem, SpecError, Where


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a document names: its default (unexpanded), whether it must be set, and where."""

    name: str
    default: str | None
    required: bool
    where: Where
    alternative: str | None = None


def interpolate(node: Node, lookup: Mapping[str, str], *, warn: Callable[[str], None]) -> Node:
    """The document with variables replaced. `warn` gets one line for each unset variable.

    Raises `SpecError` with every required variable that is missing and every `${` that is no variable.
    """
    problems: list[Problem] = []
    result = substitute(node, lookup.get, problems, lambda name: warn(unset(name)))
    if problems:
        raise SpecError(problems)
    return result


def unset(name: str) -> str:
    """What is said of a variable that has no value."""
    return f'The "{name}" variable is not set. Defaulting to a blank string.'


def substitute(
    node: Node, lookup: Callable[[str], str | None], problems: list[Problem], warn: Callable[[str], None], path: str = ""
) -> Node:
    """As `interpolate`, but problems are added to a list and `warn` gets the name alone."""
    if isinstance(node, ScalarNode):
        if not isinstance(node.value, str) or "$" not in node.value:
            return node

        def fail(message: str, offset: int) -> None:
            problems.append(Problem(_inside(node, offset), message, path))

        return replace(node, value=expand(node.value, lookup, warn=warn, fail=fail))
    if isinstance(node, SequenceNode):
        items = tuple(substitute(item, lookup, problems, warn, f"{path}[{i}]") for i, item in enumerate(node.items))
        return replace(node, items=items)
    entries = tuple(_entry(entry, lookup, problems, warn, path) for entry in node.entries)
    return replace(node, entries=entries)


def _entry(
    entry: Entry, lookup: Callable[[str], str | None], problems: list[Problem], warn: Callable[[str], None], path: str
) -> Entry:
    inner = f"{path}.{entry.key}" if path else entry.key
    value = substitute(entry.value, lookup, problems, warn, inner)
    return entry if value is entry.value else Entry(entry.key, entry.where, value)


def _inside(node: ScalarNode, offset: int) -> Where:
    """The place of a character of a scalar, exact where the text stands in the file as it is read."""
    if "\n" in node.text or "\\" in node.text or node.where.column is None:
        return node.where
    return replace(node.where, column=node.where.column + offset + int(node.quoted))


def variables(node: Node) -> tuple[Variable, ...]:
    """Every variable a document names, in order; the first use with a default or a requirement speaks for its name."""
    found: dict[str, Variable] = {}
    for variable in _walk(node):
        known = found.get(variable.name)
        if known is None or (known.default is None and not known.required and (variable.default is not None or variable.required)):
            found[variable.name] = variable
    return tuple(found.values())


def _walk(node: Node) -> Iterator[Variable]:
    if isinstance(node, ScalarNode):
        if isinstance(node.value, str) and "$" in node.value:
            for item in references(node.value):
                kind = item.operator[-1:]
                default = item.rest if kind == "-" else None
                alternative = item.rest if kind == "+" else None
                yield Variable(item.name, default, kind == "?", _inside(node, item.offset), alternative)
        return
    children = node.items if isinstance(node, SequenceNode) else tuple(entry.value for entry in node.entries)
    for child in children:
        yield from _walk(child)
