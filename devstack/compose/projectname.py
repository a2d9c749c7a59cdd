"""The name of a project: the option, COMPOSE_PROJECT_NAME, `name:` of the last file that has one, the folder's name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack.compose.shapes import Faults
from devstack.compose.template import expand
from devstack.document import Node, ScalarNode
from devstack.errors import Problem, SpecError, Where

_VALID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_RULE = "lower-case letters, digits, hyphens and underscores, a letter or digit first"


def normal(text: str) -> str:
    """A folder's name as a project's name; "" when nothing of it can stand in one."""
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-")


def project_name(
    option: str | None, environment: Mapping[str, str], names: Sequence[Node], directory: Path, faults: Faults
) -> str:
    """`names` are the uninterpolated `name:` values of the files, in order. Raises `SpecError` when there is no valid name."""
    where = Where(str(directory))
    name = option or environment.get("COMPOSE_PROJECT_NAME") or ""
    origin = "-p" if option else "COMPOSE_PROJECT_NAME"
    if not name:
        for node in reversed(names):
            if isinstance(node, ScalarNode) and isinstance(node.value, str):
                where = node.where
                wrong: list[str] = []
                name = expand(node.value, environment.get, warn=lambda _: None, fail=lambda message, _: wrong.append(message))
                if wrong:
                    raise SpecError([Problem(where, message, "name") for message in wrong])
                if not name:
                    continue
                name = normal(name)
                if not name:
                    raise SpecError([Problem(where, f"{node.value!r} makes no project name: {_RULE}", "name")])
                break
    if not name:
        name = normal(directory.name)
        if not name:
            hint = 'write "name: ..." at the top of the Compose file, or give -p NAME'
            raise SpecError([Problem(where, f"the folder's name {directory.name!r} makes no project name", hint=hint)])
        return name
    if not _VALID.fullmatch(name):
        suggestion = normal(name)
        hint = f'"{suggestion}" would do' if suggestion else ""
        raise SpecError([Problem(where, f"{name!r} is no project name ({origin}): {_RULE}", hint=hint)])
    return name
