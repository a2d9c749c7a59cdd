"""From the current folder to a Stack: find the files, render them where there is a spec, load what would run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from devstack import document
from devstack.compose.load import Sources, discover, load
from devstack.compose.model import EMPTY, Stack, Strings
from devstack.document import MappingNode
from devstack.errors import DevstackError, SpecError, UsageError
from devstack.identity import Identity
from devstack.spec.find import find
from devstack.spec.outline import Outline, outline

if TYPE_CHECKING:
    from devstack.render.instances import PortVariable
    from devstack.spec.model import Spec

ChooseIdentity = Callable[["Spec"], Identity]
"""Gives a checkout that has no project name yet its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which stack a command is about, as the command line and `DEVSTACK_*` say it.

    `directory` is where files are looked for instead of the current folder, and where relative paths of Compose files begin.
    """

    files: tuple[Path, ...] = ()
    project_name: str = ""
    profiles: tuple[str, ...] = ()
    env_files: tuple[Path, ...] = ()
    services: tuple[str, ...] = ()
    directory: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Project:
    """A stack with the spec it comes from (None: plain Compose files). `directory` is the folder that owns it."""

    directory: Path
    stack: Stack
    sources: Sources
    find_spec: Callable[[], Spec | None]
    secrets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    new_secrets: int = 0

    @cached_property
    def spec(self) -> Spec | None:
        """The spec, read when it is first asked for."""
        return self.find_spec()


def locate(selection: Selection, start: Path, environment: Mapping[str, str]) -> tuple[Spec | None, Sources | None]:
    """The spec, or the Compose files where there is none. Raises `UsageError` when there is neither."""
    chosen = [path for path in selection.files if str(path) != "-" and is_spec(path)]
    if chosen and len(selection.files) > 1:
        raise UsageError(
            "-f takes one devstack.yml or any number of Compose files, not both",
            hints=["name the Compose files under `compose:` in devstack.yml"],
        )
    given = _given(selection)
    if chosen:
        if given is not None and given.resolve() != chosen[0].absolute().parent.resolve():
            raise UsageError(f"the project's folder is that of {chosen[0]}: leave out --project-directory")
        return _load_spec(chosen[0], environment), None
    if selection.files:
        files = tuple(path if str(path) == "-" else path.absolute() for path in selection.files)
        directory = given or (start if str(files[0]) == "-" else files[0].parent)
        return None, Sources(files=files, directory=directory, environment=environment)
    start = given or start
    spec_file = find(start)
    if spec_file is not None:
        return _load_spec(spec_file, environment), None
    sources = discover(start, environment)
    if sources is None:
        raise UsageError(
            "no devstack.yml and no Compose file in this folder or above it",
            details=[("looked from", str(start))],
            hints=["devstack init   (makes a devstack.yml; adopts a Compose file that is there)", "-f FILE names one"],
            code="no-files",
        )
    return None, sources


def _given(selection: Selection) -> Path | None:
    """`--project-directory`. Raises `UsageError` when it is no folder."""
    if selection.directory is None:
        return None
    if not selection.directory.is_dir():
        raise UsageError(f"--project-directory {selection.directory}: no such folder")
    return selection.directory.absolute()


def _load_spec(path: Path, environment: Mapping[str, str]) -> Spec:
    from devstack.spec.load import load_spec

    return load_spec(path, environment)


def folder_of(selection: Selection, start: Path | None = None, environment: Mapping[str, str] | None = None) -> Path:
    """The folder that owns the stack, found without reading any file."""
    start = _given(selection) or start or Path.cwd()
    if selection.files and selection.directory is None:
        return start if str(selection.files[0]) == "-" else selection.files[0].absolute().parent
    spec_file = find(start)
    if spec_file is not None:
        return spec_file.parent
    sources = discover(start, os.environ if environment is None else environment)
    return sources.directory if sources else start


def is_spec(path: Path) -> bool:
    """Whether a file named with -f is a devstack.yml, by its name or by keys that Compose does not have."""
    if "devstack" in path.name.lower() or not path.is_file():
        return "devstack" in path.name.lower()
    node = document.read(path)
    if not isinstance(node, MappingNode):
        return False
    services = node.get("services")
    kinds = [entry.value for entry in services.entries] if isinstance(services, MappingNode) else []
    has_kind = any(isinstance(body, MappingNode) and body.get("kind") is not None for body in kinds)
    return has_kind or any(node.get(key) is not None for key in ("schema", "verify", "render", "compose"))


def read(selection: Selection, *, start: Path | None = None, environment: Mapping[str, str] | None = None) -> Project:
    """The stack as it was rendered last (what runs now), for commands that only look at it or stop it."""
    environment = os.environ if environment is None else environment
    start = start or Path.cwd()
    quick = _at_a_glance(selection, start, environment)
    if quick is not None:
        return quick
    spec, sources = locate(selection, start, environment)
    if spec is None:
        assert sources is not None
        return _plain(selection, sources)
    files = spec.compose if spec.compose and not spec.render.compose.exists() else (*spec.compose, spec.render.compose)
    if not all(path.exists() for path in files):
        return prepare(selection, start=start, environment=environment, choose=_named_already(selection, environment), write=False)
    sources = _sources(selection, spec, files, environment, {})
    return Project(directory=spec.root, stack=load(sources), sources=sources, find_spec=lambda: spec)


def _named_already(selection: Selection, environment: Mapping[str, str]) -> ChooseIdentity:
    return lambda spec: Identity(project=existing_name(spec, selection, environment) or spec.name)


def _at_a_glance(selection: Selection, start: Path, environment: Mapping[str, str]) -> Project | None:
    """The stack from its rendered file, the spec itself unread until somebody asks for it; None where that is not enough."""
    path = None if selection.files or selection.directory else find(start)
    glance = outline(path) if path is not None else None
    if path is None or glance is None:
        return None
    files = glance.compose if glance.compose and not glance.rendered.exists() else (*glance.compose, glance.rendered)
    if not all(file.exists() for file in files):
        return None
    sources = _sources(selection, glance, files, environment, {})
    return Project(directory=glance.root, stack=load(sources), sources=sources, find_spec=lambda: _load_spec(path, environment))


def prepare(
    selection: Selection,
    *,
    choose: ChooseIdentity,
    start: Path | None = None,
    environment: Mapping[str, str] | None = None,
    settings: Strings = EMPTY,
    write: bool = True,
) -> Project:
    """Render anew, and load what was rendered. With `write` the files are brought up to date on disk."""
    environment = os.environ if environment is None else environment
    spec, sources = locate(selection, start or Path.cwd(), environment)
    if spec is None:
        assert sources is not None
        if settings:
            raise UsageError("--port needs a devstack.yml", hints=["devstack init   (adopts the Compose file)"])
        return _plain(selection, sources)
    from devstack.render import render as rendering
    from devstack.render.origin import at_origin

    identity = choose(spec)
    rendered = rendering.render(spec, project=identity.project, settings={**identity.settings, **settings})
    texts = {file.path: file.text for file in rendered.files}
    sources = _sources(selection, spec, rendered.compose_files, environment, texts)
    try:
        stack = load(sources)
    except SpecError as error:
        raise _naming_variables(at_origin(error, spec), rendered.port_variables) from None
    written: tuple[str, ...] = ()
    if write:
        done = rendering.write(rendered)
        written = tuple(f"{_shown(item.path, spec.root)} {item.state}" for item in done if item.state != "unchanged")
    return Project(
        directory=spec.root,
        stack=stack,
        sources=sources,
        find_spec=lambda: spec,
        secrets=rendered.secrets,
        notes=rendered.notes,
        written=written,
        new_secrets=rendered.new_secrets,
    )


def _naming_variables(error: SpecError, ports: Mapping[str, PortVariable]) -> SpecError:
    """A wrong port is told at the service that publishes it; its value stands in a variable, which is named too."""
    problems = []
    for problem in error.problems:
        names = [name for name, port in ports.items() if problem.path.startswith(f"services.{port.service}.ports")]
        hint = f"{' or '.join(names)} in .env or in the shell says so" if names else ""
        problems.append(replace(problem, hint="; ".join(filter(None, (problem.hint, hint)))))
    return SpecError(problems)


def sources_of(selection: Selection, *, start: Path | None = None, environment: Mapping[str, str] | None = None) -> Sources:
    """What would be read, rendered in memory where there is a spec; nothing is loaded or written."""
    environment = os.environ if environment is None else environment
    spec, sources = locate(selection, start or Path.cwd(), environment)
    if spec is None:
        assert sources is not None
        return _narrowed(selection, sources)
    from devstack.render import render as rendering

    rendered = rendering.render(spec, project=existing_name(spec, selection, environment) or spec.name)
    return _sources(selection, spec, rendered.compose_files, environment, {file.path: file.text for file in rendered.files})


def _plain(selection: Selection, sources: Sources) -> Project:
    sources = _narrowed(selection, sources)
    stack = load(sources)
    return Project(directory=stack.directory, stack=stack, sources=sources, find_spec=lambda: None)


def _narrowed(selection: Selection, sources: Sources) -> Sources:
    """The sources as the command line changes them."""
    return replace(
        sources,
        name=selection.project_name or sources.name,
        profiles=selection.profiles or sources.profiles,
        env_files=_env_files(selection, sources.environment) or sources.env_files,
        services=selection.services,
    )


def _env_files(selection: Selection, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """`--env-file`, else COMPOSE_ENV_FILES; as typed, both begin in the current folder."""
    named = tuple(Path(name) for name in environment.get("COMPOSE_ENV_FILES", "").split(",") if name)
    return tuple(path.absolute() for path in selection.env_files or named)


def _sources(
    selection: Selection,
    spec: Spec | Outline,
    files: tuple[Path, ...],
    environment: Mapping[str, str],
    texts: Mapping[Path, str],
) -> Sources:
    directory = files[0].parent
    env = spec.env if isinstance(spec, Outline) else spec.render.env
    env_files = _env_files(selection, environment)
    if not env_files and env != directory / ".env":
        env_files = (env,)
    profiles = (*selection.profiles, *spec.profiles, *_profiles_of(environment))
    return Sources(
        files=files,
        directory=directory,
        environment=environment,
        env_files=env_files or None,
        name=selection.project_name or None,
        profiles=tuple(dict.fromkeys(profiles)),
        texts=texts,
        services=selection.services,
    )


def _profiles_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in environment.get("COMPOSE_PROFILES", "").split(",") if name.strip())


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def existing_name(spec: Spec, selection: Selection, environment: Mapping[str, str]) -> str:
    """The project name this checkout already has: -p, the shell, or its `.env`; "" when it has none yet."""
    if selection.project_name or environment.get("COMPOSE_PROJECT_NAME"):
        return selection.project_name or environment["COMPOSE_PROJECT_NAME"]
    from devstack.compose.dotenv import parse

    try:
        text = spec.render.env.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise DevstackError(f"{spec.render.env} cannot be read: {error.strerror}") from error
    return parse(text, str(spec.render.env)).get("COMPOSE_PROJECT_NAME") or ""


def without_files(name: str, directory: Path) -> Project:
    """A project of which nothing is known but its name: its files may be gone."""
    stack = Stack(name=name, directory=directory, files=(), services=EMPTY)
    sources = Sources(files=(), directory=directory, environment={})
    return Project(directory=directory, stack=stack, sources=sources, find_spec=lambda: None)
