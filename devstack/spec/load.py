"""devstack.yml to a Spec: read, merge devstack.local.yml, interpolate, check. All problems are raised together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from devstack.compose.merge import merge
from devstack.compose.schema import TOP
from devstack.document import MappingNode, Node, ScalarNode, did_you_mean, load, read_text
from devstack.errors import SpecError, UsageError, Where
from devstack.spec.faults import Faults
from devstack.spec.find import LOCAL_NAMES, NAMES, find, shown
from devstack.spec.kinds import load_kinds
from devstack.spec.model import RenderSpec, SchemaSpec, Spec, TemplateSpec, VerifySpec
from devstack.spec.references import adopted_services, check_references
from devstack.spec.schema import read_schema
from devstack.spec.services import read_services
from devstack.spec.variables import Variables
from devstack.spec.verify import read_verify

__all__ = ["find", "load_spec"]

TOP_KEYS = ("networks", "volumes", "secrets", "configs")
"""Compose's own sections that a devstack.yml may have."""
SECTIONS = ("name", "engine", "compose", "services", "schema", "verify", "render", "profiles", *TOP_KEYS)
ENGINES = ("auto", "docker", "native")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_RENDER = ("compose", "env", "env_example", "dockerignore", "makefile", "package_json", "secrets", "templates")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def load_spec(path: Path, environment: Mapping[str, str]) -> Spec:
    """The spec in `path`, with its devstack.local.yml merged in. `environment` is the shell's, for interpolation.

    Raises `SpecError` with every problem, `UsageError` when the file is not there.
    """
    path = path.absolute()
    if not path.exists():
        raise UsageError(f"{shown(path)} does not exist", hints=["devstack init"])
    faults = Faults()
    document, files = _documents(path, faults)
    if document is None:
        faults.add(Where(shown(path), 1, 1), "is empty", hint="start with `devstack init`")
        faults.raise_all()
        raise AssertionError("unreachable")
    return _Sections(document, path.parent, files, environment, faults).spec()


def _documents(path: Path, faults: Faults) -> tuple[MappingNode | None, tuple[Path, ...]]:
    """The file and its local companion as one document."""
    files = [path]
    document = _mapping(path, faults)
    for name in LOCAL_NAMES:
        local = path.parent / name
        if local.is_file() and path.name in NAMES:
            over = _mapping(local, faults)
            files.append(local)
            if document is not None and over is not None:
                document = merge(document, over)
    return document, tuple(files)


def _mapping(path: Path, faults: Faults) -> MappingNode | None:
    try:
        text = read_text(path, shown(path))
        faults.sources[shown(path)] = text
        node = load(text, shown(path))
    except SpecError as error:
        faults.merge(error)
        faults.raise_all()
        raise
    return faults.mapping(node, "")


class _Sections:
    """The sections of one document, read in turn."""

    def __init__(
        self, node: MappingNode, root: Path, files: tuple[Path, ...], environment: Mapping[str, str], faults: Faults
    ) -> None:
        self.root = root
        self.files = files
        self.faults = faults
        known = {entry.key: entry for entry in faults.unknown(node, SECTIONS, "", "devstack.yml")}
        self.top = {entry.key: entry.value for entry in node if entry.key.startswith("x-") or entry.key in TOP_KEYS}
        self.variables = Variables(environment, self._env_path(known["render"].value if "render" in known else None), faults)
        self.nodes: dict[str, Node] = {
            key: entry.value if key in ("services", "verify", *TOP_KEYS) else self.variables.fill(entry.value, key)
            for key, entry in known.items()
        }
        self.where = node.where
        for key in TOP_KEYS:
            if key in self.top:
                self.variables.shaped(self.top[key], TOP[key], key)

    def _env_path(self, node: Node | None) -> Path:
        """Where `.env` lies, which is needed before anything can be interpolated."""
        env = node.get("env") if isinstance(node, MappingNode) else None
        if isinstance(env, ScalarNode) and isinstance(env.value, str) and "$" not in env.value:
            return self.root / env.value
        compose = node.get("compose") if isinstance(node, MappingNode) else None
        place = compose.value if isinstance(compose, ScalarNode) and isinstance(compose.value, str) else "compose.yaml"
        return (self.root / place).parent / ".env"

    def _engine(self) -> str:
        node = self.nodes.get("engine")
        text = self.faults.text(node, "engine") or "auto"
        if node is not None and text not in ENGINES:
            self.faults.add(
                node, f'"{text}" is no engine', "engine", did_you_mean(text, ENGINES) or f"one of: {', '.join(ENGINES)}"
            )
        return text

    def spec(self) -> Spec:
        try:
            kinds = load_kinds(self.root)
        except SpecError as error:
            self.faults.merge(error)
            self.faults.raise_all()
            raise
        compose = self._compose()
        services = read_services(
            self.faults.mapping(self.nodes.get("services"), "services"), kinds, self.root, self.variables, self.faults
        )
        schema = self._schema()
        if not services and not compose and not self.faults.found:
            self.faults.add(self.where, "describes no service", hint="add `services:` or adopt a Compose file with `compose:`")
        adopted = adopted_services(compose)
        check_references(services, schema, self.top, adopted, self.faults)
        spec = Spec(
            root=self.root,
            files=self.files,
            name=self._name(),
            compose=compose,
            services=services,
            schema=schema,
            verify=self._verify(None if adopted is None else frozenset((*services, *adopted))),
            render=self._render(compose),
            engine=self._engine(),
            profiles=tuple(value for value, _ in self.faults.texts(self.nodes.get("profiles"), "profiles")),
            top=self.top,
            notes=self._notes(),
        )
        self.faults.raise_all()
        return spec

    def _name(self) -> str:
        node = self.nodes.get("name")
        slug = project_slug(self.root.name)
        if node is None:
            if not slug:
                self.faults.add(
                    self.where, f'no project name can be made from the folder "{self.root.name}"', "name", "add `name:`"
                )
            return slug
        text = self.faults.text(node, "name")
        if text is not None and not _NAME.match(text):
            near = project_slug(text)
            hint = f'for example "{near}"' if near else "for example my-shop"
            self.faults.add(
                node,
                f'"{text}" is no project name: small letters, digits, - and _, starting with one of the first two',
                "name",
                hint,
            )
        return text or slug

    def _compose(self) -> tuple[Path, ...]:
        found = []
        for value, node in self.faults.texts(self.nodes.get("compose"), "compose"):
            path = self.root / value
            if not path.is_file():
                self.faults.add(node, f"{value} does not exist" if not path.exists() else f"{value} is not a file", "compose")
            found.append(path)
        return tuple(found)

    def _schema(self) -> tuple[SchemaSpec, ...]:
        node = self.nodes.get("schema")
        if node is None:
            return ()
        return read_schema(node, self.root, self.faults)

    def _verify(self, names: frozenset[str] | None) -> VerifySpec:
        return read_verify(self.nodes.get("verify"), names, lambda node, path: self.variables.fill(node, path), self.faults)

    def _render(self, compose: tuple[Path, ...]) -> RenderSpec:
        mapping = self.faults.mapping(self.nodes.get("render"), "render")
        found = {entry.key: entry.value for entry in self.faults.unknown(mapping, _RENDER, "render", "render")} if mapping else {}
        home = compose[0].parent if compose else self.root
        target = self._inside(found.get("compose"), "render.compose") or home / (
            "compose.devstack.yaml" if compose else "compose.yaml"
        )
        if target in compose:
            self.faults.add(
                found.get("compose") or self.where,
                f"{shown(target)} is adopted by `compose:`",
                "render.compose",
                "name another file",
            )
        beside = compose[0].parent if compose else target.parent
        env = self._inside(found.get("env"), "render.env") or beside / ".env"
        example = self._optional(found.get("env_example"), "render.env_example", beside / ".env.example", default=True)
        folders = self.faults.texts(found.get("dockerignore"), "render.dockerignore")
        for value, node in folders:
            if not (self.root / value).is_dir():
                self.faults.add(node, f"{value} is not a folder", "render.dockerignore")
        return RenderSpec(
            compose=target,
            env=env,
            env_example=example,
            dockerignore=tuple(self.root / value / ".dockerignore" for value, _ in folders),
            makefile=self._optional(found.get("makefile"), "render.makefile", self.root / "Makefile"),
            package_json=self._optional(found.get("package_json"), "render.package_json", self.root / "package.json"),
            secrets=self._secrets(found.get("secrets")),
            templates=tuple(self._templates(found.get("templates"))),
        )

    def _secrets(self, node: Node | None) -> tuple[str, ...]:
        names = self.faults.texts(node, "render.secrets")
        for name, item in names:
            if not _VARIABLE.match(name):
                self.faults.add(item, f'"{name}" is no name of a variable', "render.secrets", "letters, digits and _")
        return tuple(dict.fromkeys(name for name, _ in names))

    def _templates(self, node: Node | None) -> Iterator[TemplateSpec]:
        mapping = self.faults.mapping(node, "render.templates")
        for entry in mapping or ():
            path = f"render.templates.{entry.key}"
            source = self._inside(entry.value, path)
            target = self.root / entry.key
            if not target.resolve().is_relative_to(self.root.resolve()) or target.is_dir():
                self.faults.add(entry, f"{entry.key} is no file below the project's folder", path)
            elif source is not None and not source.is_file():
                self.faults.add(entry.value, f"{shown(source)} does not exist", path)
            elif source is not None:
                yield TemplateSpec(target=Path(*target.parts), source=source)

    def _optional(self, node: Node | None, path: str, usual: Path, default: bool = False) -> Path | None:
        """A path, or true for the usual one, or false for none."""
        if node is None:
            return usual if default else None
        if isinstance(node, ScalarNode) and isinstance(node.value, bool):
            return usual if node.value else None
        return self._inside(node, path)

    def _inside(self, node: Node | None, path: str) -> Path | None:
        text = self.faults.text(node, path)
        if text is None or node is None:
            return None
        target = self.root / text
        if not target.resolve().is_relative_to(self.root.resolve()):
            self.faults.add(
                node, f"{text} lies outside the project's folder ({target.resolve()})", path, "name a file below devstack.yml"
            )
        elif target.is_dir():
            self.faults.add(node, f"{text} is a folder", path, "name the file to write")
        return Path(*target.parts)

    def _notes(self) -> tuple[str, ...]:
        others = [name for name in NAMES if (self.root / name).is_file() and self.root / name not in self.files]
        return tuple(f"{name} stands beside {self.files[0].name} and is not read" for name in others if self.files[0].name in NAMES)


def project_slug(text: str) -> str:
    """A project name as Compose makes it from a folder's name; "" when nothing is left."""
    return re.sub(r"[^a-z0-9_-]+", "", text.lower()).lstrip("_-")
