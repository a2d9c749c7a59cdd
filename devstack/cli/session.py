"""What a command works with: its console, its stack, its engine; each made when first asked for."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from devstack import identity, labels, lock, project
from devstack.cli.console import Console
from devstack.compose.model import EMPTY, Service, Stack, Strings
from devstack.compose.without import without
from devstack.engine.look import look
from devstack.errors import DevstackError, EngineError, UsageError
from devstack.identity import Identity
from devstack.project import Project, Selection
from devstack.redact import secrets_of

if TYPE_CHECKING:
    from devstack.engine.base import Container, Engine, Observed
    from devstack.spec.model import Spec

NAMES = ("auto", "docker", "native")
NATIVE = "Native"
MISMATCH = "DEVSTACK_ALLOW_VERSION_MISMATCH"
_SAID = re.compile(r"^engine:[ \t]*[\"']?([\w-]+)", re.MULTILINE)


def begin(ctx: typer.Context, selection: Selection, engine: str | None = None, as_json: bool = False) -> Session:
    """The session of the command that is running."""
    console = ctx.obj
    assert isinstance(console, Console)
    console.command = ctx.info_name or ""
    console.as_json = as_json
    return Session(console, selection, engine)


class Session:
    """One run of one command."""

    def __init__(self, console: Console, selection: Selection, engine: str | None = None) -> None:
        self.console = console
        self.selection = selection
        self.engine_flag = engine
        self.strict = False
        self.any_version = False
        self._claims = ExitStack()
        self._claimed = ""
        self._alone = False
        self._is_native = False

    @cached_property
    def engine(self) -> Engine:
        """The engine, connected. Raises `EngineError` naming everything that was tried."""
        engine = self._connected()
        if "project" in self.__dict__:
            self.__dict__["project"] = self._fitted(self.project, engine)
        return engine

    def _connected(self) -> Engine:
        name = self._engine_name
        if name == "native":
            return self._native("chosen")
        from devstack.engine.endpoint import resolve

        try:
            endpoint = resolve(None if name in NAMES else name, os.environ)
        except EngineError as error:
            if name != "auto" or not dict(error.details).get("tried"):
                raise  # one was chosen by name: a flag, $DOCKER_HOST, a context
            tried = dict(error.details).get("tried", error.message)
            return self._native(f"no container engine answers: {tried}")
        from devstack.engine.docker import connect

        return connect(endpoint)

    @cached_property
    def _engine_name(self) -> str:
        """ "auto", "docker", "native" or an address: the flag (or $DEVSTACK_ENGINE), else what devstack.yml says."""
        if self.engine_flag:
            return self.engine_flag
        from devstack.spec.find import find

        named = [path for path in self.selection.files if project.is_spec(path)]
        path = named[0] if named else None if self.selection.files else find(self.selection.directory or Path.cwd())
        try:
            said = _SAID.search(path.read_text(encoding="utf-8")) if path is not None else None
        except (OSError, UnicodeDecodeError):
            return "auto"  # whoever reads the spec says what is wrong with it
        return said[1] if said else "auto"

    def _native(self, why: str) -> Engine:
        from devstack.engine.native.engine import NativeEngine

        mismatch = self.any_version or bool(os.environ.get(MISMATCH))
        self._is_native = True
        return NativeEngine(os.environ, source=why, mismatch=mismatch, root=project.folder_of(self.selection))

    @cached_property
    def project(self) -> Project:
        """The stack as it was rendered last."""
        found = self._known(project.read(self.selection))
        return self._fitted(found, self.__dict__["engine"]) if "engine" in self.__dict__ else found

    @property
    def stack(self) -> Stack:
        return self.project.stack

    def prepare(self, *, settings: Strings = EMPTY, write: bool = True, isolated: bool = False, offline: bool = False) -> Project:
        """Render anew; the result is `project` from now on. `offline` asks no engine whose name is free."""
        prepared = project.prepare(
            self.selection, choose=lambda spec: self._identity(spec, isolated, offline), settings=settings, write=write
        )
        if isolated and prepared.spec is None and self._isolate(prepared):
            prepared = project.prepare(self.selection, choose=lambda spec: self._identity(spec, isolated, offline), write=write)
        if not offline:
            prepared = self._fitted(prepared, self.engine)
        self.__dict__["project"] = self._known(prepared)
        return prepared

    def _isolate(self, opened: Project) -> bool:
        """Plain Compose files get a name and ports of their own; False when nobody else has the name."""
        from devstack.engine.ports import bindable
        from devstack.isolation import isolate

        stack = opened.stack
        chosen = identity.choose(stack.name, stack.directory, self.engine)
        if not chosen.secondary:
            return False
        used = {binding.published for container in self.engine.containers() for binding in container.bindings}
        for line in isolate(stack, chosen.project, bindable=bindable, used=used, environment=os.environ):
            self.console.label("isolated", line)
        return True

    def _known(self, opened: Project) -> Project:
        self.console.hide((*secrets_of(opened.stack), *opened.secrets))
        return opened

    def _fitted(self, opened: Project, engine: Engine) -> Project:
        """As this engine runs it, with what that means in the notes: natively without the services that only a container could run."""
        from devstack.compose import apisocket

        asking = apisocket.asking(opened.stack)
        if not self._is_native:
            if not asking:
                return opened
            handed = [f"services.{name} is handed the engine's socket and your registry logins (use_api_socket)" for name in asking]
            return replace(opened, stack=apisocket.handed(opened.stack, asking), notes=(*opened.notes, *handed))
        from devstack.native_fit import unable

        notes = unable(engine, opened.stack, strict=self.strict)
        names = tuple(notes)
        return replace(
            opened,
            stack=without(opened.stack, names),
            sources=replace(opened.sources, without=names),
            notes=(
                *opened.notes,
                *notes.values(),
                *(f"services.{name}.use_api_socket: there is no engine's socket" for name in asking),
            ),
        )

    def _identity(self, spec: Spec, isolated: bool, offline: bool) -> Identity:
        name = project.existing_name(spec, self.selection, os.environ)
        if (name and not isolated) or offline:
            return Identity(project=name or spec.name)
        chosen = self._choose(spec)
        if not chosen.secondary:
            return chosen
        from devstack.engine.ports import bindable
        from devstack.render.render import render

        wanted = {v.variable: v.default for v in render(spec, project=chosen.project).port_variables.values()}
        used = {binding.published for container in self.engine.containers() for binding in container.bindings}
        settings = identity.free_ports(wanted, bindable, used)
        self.console.label(
            "name", f"{chosen.project}: {spec.name} belongs to another checkout, so this one has its own name and ports"
        )
        return Identity(project=chosen.project, settings={"COMPOSE_PROJECT_NAME": chosen.project, **settings}, secondary=True)

    def _choose(self, spec: Spec) -> Identity:
        """A name nobody else has, and its lock with it: another checkout that chooses at this moment must see that it is taken."""
        with lock.locked("choosing-a-name", spec.root):
            chosen = identity.choose(spec.name, spec.root, self.engine)
            if self._alone:
                self._claims.enter_context(lock.locked(chosen.project, spec.root))
                self._claimed = chosen.project
        return chosen

    def may_move(self) -> bool:
        """Whether this checkout may take another name: it has nothing on the engine under the one it has, and nobody chose that."""
        if self.project.spec is None or self.selection.project_name or os.environ.get("COMPOSE_PROJECT_NAME"):
            return False
        mine = identity.owners(self.engine).get(self.stack.name, set())
        return all(folder.resolve() != self.stack.directory.resolve() for folder in mine)

    def allow_without_files(self) -> None:
        """Where there are no files, the project that was named is taken as the engine knows it: its folder may be gone."""
        name = self.selection.project_name
        try:
            assert self.stack.name
        except UsageError as error:
            if not name or error.code != "no-files":
                raise
            there = self.engine.containers(name)
            if not there:
                hints = ["devstack ls --all", "devstack ls --all --engine native"]
                raise UsageError(
                    f"no files here, and no container of {name} on this engine", hints=hints, code="no-files"
                ) from error
            folder = Path(there[0].labels.get(labels.WORKING_DIR) or Path.cwd())
            self.__dict__["project"] = project.without_files(name, folder)

    def observe(self) -> Observed:
        """One look at the stack, refusing one of the same name that is another folder's."""
        engine = self.engine
        stack = self.stack
        observed = look(engine, stack)
        identity.check_owner(stack.name, stack.directory, observed.containers)
        return observed

    @contextmanager
    def alone(self, *, timeout: float = 600.0) -> Iterator[None]:
        """No other command works in this folder meanwhile: what is rendered and chosen is rendered and chosen once."""
        folder = project.folder_of(self.selection)
        name = f"folder-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
        with lock.locked(name, folder, timeout=timeout, on_wait=lambda who: self.console.label("lock", who)), self._claims:
            self._alone = True
            yield

    @contextmanager
    def locked(self, *, timeout: float = 600.0) -> Iterator[None]:
        """Nobody else works on this project meanwhile."""
        if self._claimed == self.stack.name:
            yield
            return
        with lock.locked(
            self.stack.name, self.stack.directory, timeout=timeout, on_wait=lambda who: self.console.label("lock", who)
        ) as cut_off:
            self.sweep()
            self.engine.await_stops(
                self.stack.name, lambda name: self.console.label("waiting", f"{name} is just being stopped"), cut_off=cut_off
            )
            yield

    def sweep(self) -> None:
        """Take away what a verify that was killed has left of this project's twins. Costs a look into one folder where there is none."""
        if any(lock.folder().glob(f"{self.stack.name}-verify-*.twin")):
            from devstack.verify import twin

            for name in twin.clear(self.engine, twin.abandoned(self.stack.name)):
                self.console.label("swept", f"{name}: left by a verify that was cut off")

    def service(self, name: str) -> Service:
        """A service by name, enabled or not."""
        services = {**self.stack.disabled, **self.stack.services}
        if name not in services:
            raise no_such_service(name, services)
        return services[name]

    def container(self, name: str, index: int = 1) -> Container:
        """A running container of a service. Raises when there is none."""
        self.service(name)
        there = [c for c in self.observe().of(name) if c.number == index or index == 0]
        if not there:
            raise DevstackError(f"{name} has no container", hints=[f"devstack up {name}"], code="not-running")
        if not there[0].running:
            raise DevstackError(
                f"{name} is not running ({there[0].state})",
                hints=[f"devstack up {name}", f"devstack logs {name}"],
                code="not-running",
            )
        return there[0]

    @staticmethod
    def relative(root: Path, path: Path) -> str:
        """A path as the user would write it from the project's folder."""
        return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def no_such_service(name: str, known: Iterable[str]) -> UsageError:
    """The error for a service that is not in the files."""
    from devstack.document import did_you_mean

    names = list(known)
    suggestion = did_you_mean(name, names)
    return UsageError(
        f"no such service: {name}", hints=[suggestion] if suggestion else [f"services: {', '.join(names)}"], code="no-service"
    )
