"""Compose files to one document: each read, interpolated, checked, extended, its includes brought in, and all of them merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from devstack.compose.interpolate import substitute, unset
from devstack.compose.merge import keyed, merge, merge_service, pairs, without_tags
from devstack.compose.paths import Rebase, absolute
from devstack.compose.schema import check_document
from devstack.compose.shapes import Faults
from devstack.compose.sources import Texts, read_env_files
from devstack.document import Entry, MappingNode, Node, ScalarNode, SequenceNode, did_you_mean, kind_of, load, plain
from devstack.errors import SpecError, Where

_SECTIONS = ("services", "networks", "volumes", "secrets", "configs", "models")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a document is read with: where relative paths begin, and the variables."""

    directory: Path
    environment: Mapping[str, str]


class Documents:
    """Reads the files of one project. Problems go to `faults`; a document that cannot be read counts as empty."""

    listed = False
    """Whether NAME=value lists are made of mappings that are merged, as `merge` has it."""

    def __init__(self, texts: Texts, faults: Faults, home: str) -> None:
        self.texts = texts
        self.faults = faults
        self.home = home
        self._circles: set[tuple[Path, str]] = set()
        self._raw: dict[Path, MappingNode | None] = {}
        self._checked: dict[tuple[Path, Path], MappingNode] = {}

    def raw(self, path: Path) -> MappingNode | None:
        """The file as it stands, None (and a problem) when it holds no mapping."""
        if path not in self._raw:
            self._raw[path] = self._load(path)
        return self._raw[path]

    def _load(self, path: Path) -> MappingNode | None:
        shown = self.texts.shown(path)
        try:
            node = load(self.texts.read(path), shown)
        except SpecError as error:
            self.faults.problems.extend(error.problems)
            return None
        if node is None or (isinstance(node, MappingNode) and not node.entries):
            self.faults.add(Where(shown), "", "is empty", 'a Compose file begins with "services:"')
            return None
        if not isinstance(node, MappingNode):
            self.faults.add(node, "", f"expected a mapping at the top, got {kind_of(node)}")
            return None
        return node

    def checked(self, path: Path, scope: Scope) -> MappingNode | None:
        """The file with variables replaced, types settled and paths absolute."""
        key = (path, scope.directory)
        if key not in self._checked:
            node = self.raw(path)
            if node is None:
                return None
            bare = replace(node, entries=tuple(entry for entry in node.entries if entry.key != "name"))
            warn = self.faults.note
            filled = substitute(bare, scope.environment.get, self.faults.problems, lambda name: warn(unset(name)))
            if not isinstance(filled, MappingNode):
                return None
            checked = check_document(filled, self.faults)
            if version := checked.entry("version"):
                warn(f"{version.where}: the attribute `version` is obsolete and has no effect; remove it")
            kept = tuple(entry for entry in checked.entries if entry.key != "version")
            self._checked[key] = Rebase(scope.directory, self.home).document(replace(checked, entries=kept))
        return self._checked[key]

    def model(self, files: tuple[Path, ...], scope: Scope, trail: tuple[Path, ...] = ()) -> MappingNode:
        """The files merged in order; `trail` are the files that include this one."""
        merged: MappingNode | None = None
        for path in files:
            document = self.checked(path, scope)
            if document is None:
                continue
            document = self._extended(document, path, scope)
            document = self._with_includes(document, scope, (*trail, path))
            if merged is None:
                merged = document
            else:
                try:
                    merged = merge(merged, document, listed=self.listed)
                except SpecError as error:
                    self.faults.problems.extend(error.problems)
        result = without_tags(merged) if merged is not None else None
        return result if isinstance(result, MappingNode) else MappingNode((), Where(self.texts.shown(files[0]) if files else ""))

    # extends

    def _extended(self, document: MappingNode, path: Path, scope: Scope) -> MappingNode:
        services = document.get("services")
        if not isinstance(services, MappingNode) or not any(_extends(entry.value) for entry in services.entries):
            return document
        entries = tuple(
            Entry(entry.key, entry.where, self._service(services, entry.key, path, scope, ())) for entry in services.entries
        )
        changed = replace(services, entries=entries)
        return replace(
            document,
            entries=tuple(Entry(e.key, e.where, changed) if e.key == "services" else e for e in document.entries),
        )

    def _service(self, services: MappingNode, name: str, path: Path, scope: Scope, trail: tuple[tuple[Path, str], ...]) -> Node:
        """A service with everything it extends laid under it."""
        body = services.get(name)
        extends = _extends(body)
        if extends is None or not isinstance(body, MappingNode):
            return body if body is not None else MappingNode((), services.where)
        own = replace(body, entries=tuple(entry for entry in body.entries if entry.key != "extends"))
        steps = (*trail, (path, name))
        base = self._base(extends, services, path, scope, steps)
        if not isinstance(base, MappingNode):
            return own
        try:
            return merge_service(base, own, listed=self.listed)
        except SpecError as error:
            self.faults.problems.extend(error.problems)
            return own

    def _base(
        self, extends: Node, services: MappingNode, path: Path, scope: Scope, steps: tuple[tuple[Path, str], ...]
    ) -> Node | None:
        shown = f"services.{steps[-1][1]}.extends"
        file, wanted = _target(extends)
        if file is not None:
            path = Path(absolute(file, scope.directory, self.home))
            scope = Scope(path.parent, scope.environment)
            if not self.texts.exists(path):
                self.faults.add(extends, shown, f"no such file: {self.texts.shown(path)}")
                return None
            other = self.checked(path, scope)
            found = other.get("services") if other is not None else None
            if not isinstance(found, MappingNode):
                return None
            services = found
        if (path, wanted) in steps:
            circle = steps[steps.index((path, wanted)) :]
            if self._circles.isdisjoint(circle):
                names = [name for _, name in circle]
                self.faults.add(extends, shown, f"extends runs in a circle: {' -> '.join([*names, wanted])}")
            self._circles.update(circle)
            return None
        if services.entry(wanted) is None:
            place = f" in {self.texts.shown(path)}" if file is not None else ""
            self.faults.add(
                extends, shown, f'there is no service "{wanted}"{place} to extend', did_you_mean(wanted, services.keys())
            )
            return None
        return self._service(services, wanted, path, scope, steps)

    # include

    def _with_includes(self, document: MappingNode, scope: Scope, trail: tuple[Path, ...]) -> MappingNode:
        includes = document.get("include")
        if not isinstance(includes, SequenceNode):
            return document
        result = replace(document, entries=tuple(entry for entry in document.entries if entry.key != "include"))
        for index, item in enumerate(includes.items):
            included = self._include(item, f"include[{index}]", scope, trail)
            if included is not None:
                result = self._imported(result, included, item, f"include[{index}]")
        return result

    def _include(self, item: Node, shown: str, scope: Scope, trail: tuple[Path, ...]) -> MappingNode | None:
        names = _texts(item.get("path") if isinstance(item, MappingNode) else item)
        paths = tuple(Path(absolute(name, scope.directory, self.home)) for name in names)
        if not paths:
            self.faults.add(item, shown, 'the key "path" is missing in an include')
            return None
        for path in paths:
            if path in trail:
                circle = " -> ".join(self.texts.shown(step) for step in (*trail[trail.index(path) :], path))
                self.faults.add(item, shown, f"include runs in a circle: {circle}")
                return None
            if not self.texts.exists(path):
                self.faults.add(item, shown, f"no such file: {self.texts.shown(path)}")
                return None
        folder = item.get("project_directory") if isinstance(item, MappingNode) else None
        directory = paths[0].parent
        if isinstance(folder, ScalarNode) and folder.value:
            directory = Path(absolute(str(folder.value), scope.directory, self.home))
        environment = self._include_environment(item, directory, scope)
        model = self.model(paths, Scope(directory, environment), trail)
        return _with_values(model, environment, scope.environment, self.listed)

    def _include_environment(self, item: Node, directory: Path, scope: Scope) -> Mapping[str, str]:
        given = item.get("env_file") if isinstance(item, MappingNode) else None
        if given is not None:
            files = tuple(Path(absolute(name, scope.directory, self.home)) for name in _texts(given))
        else:
            files = (directory / ".env",) if self.texts.exists(directory / ".env") else ()
        return read_env_files(files, scope.environment, self.texts, self.faults)

    def _imported(self, document: MappingNode, included: MappingNode, item: Node, shown: str) -> MappingNode:
        entries = {entry.key: entry for entry in document.entries}
        for key in _SECTIONS:
            theirs = included.get(key)
            if not isinstance(theirs, MappingNode):
                continue
            ours = entries.get(key)
            if ours is None or not isinstance(ours.value, MappingNode):
                entries[key] = Entry(key, theirs.where, theirs)
                continue
            known = {entry.key: entry for entry in ours.value.entries}
            for entry in theirs.entries:
                clash = known.get(entry.key)
                if clash is not None and plain(clash.value) != plain(entry.value):
                    place = f"{entry.where} and {clash.where}"
                    message = f'{key[:-1]} "{entry.key}" is defined differently in {place}'
                    self.faults.add(item, shown, message, "rename one, or override it in a file of its own")
                else:
                    known[entry.key] = entry
            entries[key] = Entry(key, ours.where, replace(ours.value, entries=tuple(known.values())))
        return replace(document, entries=tuple(entries.values()))


def _extends(body: Node | None) -> Node | None:
    return body.get("extends") if isinstance(body, MappingNode) else None


def _target(extends: Node) -> tuple[str | None, str]:
    """(file, service) of an `extends`."""
    if isinstance(extends, MappingNode):
        file, name = extends.get("file"), extends.get("service")
        path = file.value if isinstance(file, ScalarNode) and isinstance(file.value, str) and file.value else None
        return path, str(name.value) if isinstance(name, ScalarNode) else ""
    return None, str(extends.value) if isinstance(extends, ScalarNode) else ""


def _texts(node: Node | None) -> tuple[str, ...]:
    if isinstance(node, SequenceNode):
        return tuple(str(item.value) for item in node.items if isinstance(item, ScalarNode) and item.value)
    return (str(node.value),) if isinstance(node, ScalarNode) and node.value else ()


def _with_values(model: MappingNode, environment: Mapping[str, str], outer: Mapping[str, str], listed: bool) -> MappingNode:
    """Variables that only the included project knows, written into the services that take them over by name."""
    own = {name: value for name, value in environment.items() if name not in outer}
    services = model.get("services")
    if not own or not isinstance(services, MappingNode):
        return model

    def filled(body: Node) -> Node:
        variables = keyed(body.get("environment") or body) if isinstance(body, MappingNode) else body
        if not isinstance(body, MappingNode) or body.get("environment") is None or not isinstance(variables, MappingNode):
            return body
        entries = tuple(_filled(entry, own) for entry in variables.entries)
        whole = replace(variables, entries=entries)
        changed = pairs(whole) if listed else whole
        return replace(body, entries=tuple(Entry(e.key, e.where, changed) if e.key == "environment" else e for e in body.entries))

    bodies = tuple(Entry(entry.key, entry.where, filled(entry.value)) for entry in services.entries)
    entries = tuple(Entry(e.key, e.where, replace(services, entries=bodies)) if e.key == "services" else e for e in model.entries)
    return replace(model, entries=entries)


def _filled(entry: Entry, own: Mapping[str, str]) -> Entry:
    if isinstance(entry.value, ScalarNode) and entry.value.value is None and entry.key in own:
        return Entry(entry.key, entry.where, ScalarNode(own[entry.key], own[entry.key], entry.value.where, quoted=True))
    return entry
