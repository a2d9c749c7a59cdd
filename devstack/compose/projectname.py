"""The name of a project: the option, COMPOSE_PROJECT_NAME, `name:` of the last file that has one, the folder's name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack.compose.shapes import Faults
from devstack.compose.template import expand
from devstack.document import Node, ScalarNode
from devstack.errors import Where

_VALID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_RULE = "lower-case letters, digits, hyphens and underscores, a letter or digit first"


def normal(text: str) -> str:
    """A folder's name as a project's name; "" when nothing of it can stand in one."""
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-")


def project_name(option: str | None, environment: Mapping[str, str], names: Sequence[Node], directory: Path, faults: Faults) -> str:
    """The name; `names` are the uninterpolated `name:` values of the files, in order.

    A name that cannot be is a problem in `faults`, and what comes nearest to it is returned.
    """
    where = Where(str(directory))
    given = option or environment.get("COMPOSE_PROJECT_NAME")
    if given:
        if not _VALID.fullmatch(given):
            suggestion = normal(given)
            origin = "-p" if option else "COMPOSE_PROJECT_NAME"
            hint = f'"{suggestion}" would do' if suggestion else ""
            faults.add(where, "", f"{given!r} is no project name ({origin}): {_RULE}", hint)
        return normal(given)
    name = _from_files(names, environment, faults) or normal(directory.name)
    if not name and not faults.problems:
        hint = 'write "name: ..." at the top of the Compose file, or give -p NAME'
        faults.add(where, "", f"the folder's name {directory.name!r} makes no project name", hint)
    return name


def _from_files(names: Sequence[Node], environment: Mapping[str, str], faults: Faults) -> str:
    """The last `name:` that says something, made normal; "" when none does."""
    for node in reversed(names):
        text = node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""
        wrong: list[str] = []

        def fail(message: str, _: int, into: list[str] = wrong) -> None:
            into.append(message)

        expanded = expand(text, environment.get, warn=lambda _: None, fail=fail)
        name = normal(expanded)
        if expanded and not name and not wrong:
            wrong.append(f"{text!r} makes no project name: {_RULE}")
        for message in wrong:
            faults.add(node, "name", message)
        if name:
            return name
    return ""
