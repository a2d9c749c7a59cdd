"""${VAR} in the parts of a spec that devstack itself reads, filled from the shell and `.env`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from devstack.compose import dotenv, shapes
from devstack.compose.interpolate import interpolate, variables
from devstack.document import Node, read_text
from devstack.errors import SpecError
from devstack.spec.faults import Faults
from devstack.spec.find import shown


class Variables:
    """The values that ${...} may name: the shell's, then those of `env_file`."""

    def __init__(self, environment: Mapping[str, str], env_file: Path, faults: Faults) -> None:
        self.faults = faults
        self.values = {**read_env(env_file, environment, faults), **environment}
        self.env_file = env_file

    def fill(self, node: Node, path: str) -> Node:
        """The node with its variables filled in. One that is not set and has no default is a problem: here nothing may be empty."""
        unset = [item for item in variables(node) if item.name not in self.values and item.default is None]
        missing = [item for item in unset if not item.required and item.alternative is None]
        for item in missing:
            self.faults.add(
                item.where, f"the variable {item.name} is not set", path, f"set it in the shell or in {shown(self.env_file)}"
            )
        if missing:
            return node
        try:
            return interpolate(node, self.values, warn=lambda _: None)
        except SpecError as error:
            self.faults.merge(error)
            return node

    def shaped(self, node: Node, shape: shapes.Shape, path: str) -> Node | None:
        """A Compose key with its variables filled in and its type settled; what is wrong with it is told.

        None where something is, and for a key whose variables are not all known yet: that is left to Compose's loader.
        """
        if any(item.name not in self.values and item.default is None for item in variables(node)):
            return None
        found = shapes.Faults()
        try:
            shaped = shape(interpolate(node, self.values, warn=lambda _: None), path, found)
        except SpecError as error:
            self.faults.merge(error)
            return None
        self.faults.found.extend(found.problems)
        return None if found.problems else shaped


def read_env(path: Path, environment: Mapping[str, str], faults: Faults | None = None) -> dict[str, str]:
    """The variables of an env file that have a value; {} when there is no such file."""
    if not path.is_file():
        return {}
    try:
        found = dotenv.parse(read_text(path, shown(path)), shown(path), lambda name: environment.get(name))
    except SpecError as error:
        if faults is None:
            raise
        faults.merge(error)
        return {}
    return {name: value for name, value in found.items() if value is not None}
