"""A project's documents before interpolation: which variables they name, and the model with `${...}` left standing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from devstack.compose.documents import Documents, Scope
from devstack.compose.interpolate import Variable, variables
from devstack.compose.paths import Rebase
from devstack.compose.projectname import project_name
from devstack.compose.schema import check_document
from devstack.compose.shapes import Faults
from devstack.compose.sources import Sources, Texts, project_environment, with_directory
from devstack.document import MappingNode, Node, ScalarNode, with_excerpts
from devstack.errors import SpecError, Where


@dataclass(frozen=True, slots=True)
class Raw:
    """The merged document, the project's name and folder, and the variables it would be interpolated with."""

    document: MappingNode
    name: str
    directory: Path
    environment: dict[str, str]
    texts: Mapping[str, str]

    @property
    def variables(self) -> tuple[Variable, ...]:
        """What the files refer to, by name."""
        return tuple(sorted(variables(self.document), key=lambda variable: variable.name))


class Lenient(Faults):
    """A value that holds a variable may be anything yet, and text a number or a boolean."""

    casts = False

    def add(self, node: Node | Where, path: str, message: str, hint: str = "") -> None:
        if not (isinstance(node, ScalarNode) and "$" in node.text):
            super().add(node, path, message, hint)


class _Uninterpolated(Documents):
    listed = True

    def checked(self, path: Path, scope: Scope) -> MappingNode | None:
        key = (path, scope.directory)
        if key not in self._checked:
            node = self.raw(path)
            if node is None:
                return None
            dropped = ("name", "version")
            checked = check_document(replace(node, entries=tuple(e for e in node.entries if e.key not in dropped)), self.faults)
            self._checked[key] = Rebase(scope.directory, self.home).document(checked)
        return self._checked[key]


def read_raw(sources: Sources) -> Raw:
    """Read and merge the files without replacing variables. Raises `SpecError` with every problem."""
    sources = with_directory(sources)
    faults, texts = Lenient(), Texts(sources)
    environment, _ = project_environment(sources, texts, faults)
    documents = _Uninterpolated(texts, faults, environment.get("HOME") or str(Path.home()))
    nodes = [node for path in sources.files if (node := documents.raw(path)) is not None]
    names = [given for node in nodes if (given := node.get("name")) is not None]
    name = project_name(sources.name, environment, names, sources.directory, faults)
    document = documents.model(sources.files, Scope(sources.directory, environment))
    if faults.problems:
        raise SpecError(with_excerpts(faults.problems, texts.by_name))
    return Raw(document, name, sources.directory, {**environment, "COMPOSE_PROJECT_NAME": name}, texts.by_name)
