"""What env files and label files bring into a service, and variables that are taken over from the environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from devstack.compose.dotenv import parse, parse_raw
from devstack.compose.interpolate import unset
from devstack.compose.merge import as_list
from devstack.compose.model import Json
from devstack.compose.shapes import Faults
from devstack.compose.sources import Texts
from devstack.document import MappingNode, Node, ScalarNode, SequenceNode
from devstack.errors import SpecError


def fill(
    service: dict[str, Json], node: MappingNode, path: str, environment: Mapping[str, str], texts: Texts, faults: Faults
) -> None:
    """Resolve `environment`, `env_file`, `label_file` and build arguments of a canonical service in place."""
    own = service.get("environment")
    given = (
        {name: environment.get(name) if value is None else str(value) for name, value in own.items()}
        if isinstance(own, dict)
        else {}
    )
    variables = _variables(node.get("env_file"), f"{path}.env_file", environment, given, texts, faults)
    variables.update(given)
    if variables:
        service["environment"] = dict(variables)
    labels = _labels(node.get("label_file"), f"{path}.label_file", environment, texts, faults)
    written = service.get("labels")
    labels.update(written if isinstance(written, dict) else {})
    if labels:
        service["labels"] = labels
    build = service.get("build")
    arguments = build.get("args") if isinstance(build, dict) else None
    if isinstance(build, dict) and isinstance(arguments, dict):
        filled = {name: environment.get(name) if value is None else value for name, value in arguments.items()}
        build["args"] = {name: value for name, value in filled.items() if value is not None}
        if not build["args"]:
            del build["args"]


def _files(node: Node | None) -> Iterator[tuple[Node, Path, bool, str]]:
    """(node, path, required, format) of each file, a path that is named twice where it stands first."""
    found: dict[str, tuple[Node, Path, bool, str]] = {}
    items = as_list(node) if node is not None else None
    for item in items.items if isinstance(items, SequenceNode) else ():
        if isinstance(item, MappingNode):
            name, required, form = item.get("path"), item.get("required"), item.get("format")
            text = str(name.value) if isinstance(name, ScalarNode) else ""
            needed = not (isinstance(required, ScalarNode) and required.value is False)
            found[text] = (item, Path(text), needed, str(form.value) if isinstance(form, ScalarNode) else "")
        elif isinstance(item, ScalarNode) and item.value:
            found[str(item.value)] = (item, Path(str(item.value)), True, "")
    return iter(found.values())


def _variables(
    node: Node | None,
    path: str,
    environment: Mapping[str, str],
    own: Mapping[str, str | None],
    texts: Texts,
    faults: Faults,
) -> dict[str, str | None]:
    """The variables of the files; what they refer to is looked for in the environment, then in the service's own."""
    found: dict[str, str | None] = {}

    def lookup(name: str) -> str | None:
        return environment[name] if name in environment else own.get(name)

    def warn(name: str) -> None:
        faults.note(unset(name))

    for item, file, required, form in _files(node):
        if form not in ("", "raw"):
            faults.add(item, path, f"the format {form!r} is unknown", 'leave it out, or write "raw"')
        elif not texts.exists(file):
            if required:
                faults.add(item, path, f"no such file: {texts.shown(file)}", "make it, or write required: false")
        else:
            try:
                text = texts.read_variables(file)
                shown = texts.shown(file)
                read = parse_raw(text, shown, lookup) if form else parse(text, shown, lookup, warn, found)
            except SpecError as error:
                faults.problems.extend(error.problems)
                continue
            found.update({name: value for name, value in read.items() if value is not None})
    return found


def _labels(node: Node | None, path: str, environment: Mapping[str, str], texts: Texts, faults: Faults) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for item, file, _, _ in _files(node):
        if not texts.exists(file):
            faults.add(item, path, f"no such file: {texts.shown(file)}")
            continue
        try:
            read = parse(texts.read_variables(file), texts.shown(file), environment.get)
        except SpecError as error:
            faults.problems.extend(error.problems)
            continue
        found.update({name: value for name, value in read.items() if value is not None})
    return found
