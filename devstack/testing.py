"""What the fixtures of `devstack.pytest_plugin` give: the addresses of a running stack, and databases made from a template."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from devstack import lock
from devstack.cli.console import Console
from devstack.cli.session import Session
from devstack.compose.roles import Postgres, Redis, role_of
from devstack.engine.base import Container
from devstack.errors import DevstackError, UsageError, describe
from devstack.project import Selection

if TYPE_CHECKING:
    from devstack.database.cluster import Cluster

PREFIX = "devstack_test_"
"""What the names of tests' databases begin with; machine and process follow, so that what a killed run left can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """A stack that is up. `env` is what `devstack env` tells: DATABASE_URL, REDIS_URL, ... with their secrets."""

    name: str
    folder: Path
    env: Mapping[str, str] = field(repr=False)
    session: Session = field(repr=False)

    def address(self, service: str, port: int | None = None) -> tuple[str, int]:
        """Host and port at which a service is reached from here; `port` is the container's, where it publishes several."""
        container = self._container(service)
        published = [b for b in container.bindings if b.published and b.protocol == "tcp" and port in (None, b.target)]
        if not published:
            what = f"port {port}" if port else "no port"
            raise UsageError(f"{service} publishes {what}".replace("publishes port", "does not publish port"), code="no-port")
        endpoint = self.session.engine.info.endpoint
        binding = published[0]
        if not endpoint.local:
            return urlsplit(endpoint.url).hostname or "127.0.0.1", binding.published
        anywhere = binding.host_ip in ("", "0.0.0.0", "::")
        return "127.0.0.1" if anywhere else binding.host_ip, binding.published

    def url(self, service: str, port: int | None = None) -> str:
        """Where a service answers HTTP: "http://127.0.0.1:8001". For a database it is its `dsn`."""
        if port is None and self._role(service) is not None:
            return self.dsn(service)
        host, published = self.address(service, port)
        return f"http://{f'[{host}]' if ':' in host else host}:{published}"

    def dsn(self, service: str) -> str:
        """The connection string of a PostgreSQL, Redis or Valkey service, with its password."""
        from devstack.database.reach import address_of, target_of

        role = self._role(service)
        endpoint = self.session.engine.info.endpoint
        if isinstance(role, Postgres):
            return target_of(role, self._container(service), endpoint).url
        if isinstance(role, Redis):
            host, port = address_of(role, self._container(service), endpoint)
            login = f":{quote(role.password, safe='')}@" if role.password else ""
            return f"redis://{login}{f'[{host}]' if ':' in host else host}:{port}"
        raise UsageError(f"{service} is no PostgreSQL, Redis or Valkey that devstack recognises", hints=[f".url({service!r})"])

    def _role(self, service: str) -> Postgres | Redis | None:
        stack = self.session.stack
        return role_of(self.session.service(service), stack.secrets)

    def _container(self, service: str) -> Container:
        return self.session.container(service)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database of one test. `env` holds PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE and DATABASE_URL for programs."""

    name: str
    dsn: str = field(repr=False)
    env: Mapping[str, str] = field(repr=False)


def bring_up(folder: Path, *, verify: bool) -> RunningStack:
    """The stack of a folder: up, healthy, its schema applied; verified live where that is wanted.

    Raises `DevstackError` with what devstack said.
    """
    _run(folder, "up")
    if verify:
        _run(folder, "verify", "--live")
    session = Session(Console("pytest"), chosen(folder, os.environ), os.environ.get("DEVSTACK_ENGINE") or None)
    env = json.loads(_run(folder, "env", "--json"))["data"]
    return RunningStack(name=session.stack.name, folder=folder, env={k: str(v) for k, v in env.items()}, session=session)


def chosen(folder: Path, environment: Mapping[str, str]) -> Selection:
    """The stack that the commands, which read the same variables, work on."""

    def paths(name: str) -> tuple[Path, ...]:
        return tuple(folder / path for path in environment.get(name, "").split(os.pathsep) if path)

    files, directory = paths("DEVSTACK_FILE"), environment.get("DEVSTACK_PROJECT_DIRECTORY", "")
    return Selection(
        files=files,
        project_name=environment.get("DEVSTACK_PROJECT_NAME", ""),
        profiles=tuple(environment.get("DEVSTACK_PROFILE", "").split()),
        env_files=paths("DEVSTACK_ENV_FILE"),
        directory=folder / directory if directory or not files else None,
    )


def described(error: DevstackError) -> str:
    """An error as lines."""
    return "\n".join(describe(error))


def _run(folder: Path, *words: str) -> str:
    """What a command answers; its output is the error where it fails. Secrets are masked in all but the answer of `env`."""
    done = subprocess.run(
        [sys.executable, "-m", "devstack", *words],
        cwd=folder,
        env={**os.environ, "CI": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr if words[0] == "env" else done.stdout + done.stderr).strip()
        raise DevstackError(f"devstack {' '.join(words)} ended with exit code {done.returncode}", details=[("said", said)])
    return done.stdout


class Template:
    """A database that is only copied. `source` is its name; `own` says that this run made it and drops it at the end."""

    def __init__(self, session: Session, cluster: Cluster, source: str, *, own: bool) -> None:
        self._session = session
        self._cluster = cluster
        self._source = source
        self._own = own

    def __enter__(self) -> Template:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._own:
            self._cluster.drop(self._source)
        self._cluster.connection.close()

    @contextmanager
    def database(self) -> Iterator[Database]:
        """A copy, until the block ends; sessions that a test left open are ended with it."""
        name = _name()
        live = self._cluster.target.database
        # Whoever holds the project's lock may drop what is only being made.
        with lock.locked(self._session.stack.name, self._session.stack.directory):
            self._cluster.adopt(self._cluster.copy(self._source, like=live, comment=False), name)
        try:
            yield self._told(name)
        finally:
            self._cluster.drop(name)

    def _told(self, name: str) -> Database:
        target = self._cluster.at(name)
        env = {
            "PGHOST": target.host,
            "PGPORT": str(target.port),
            "PGUSER": target.user,
            "PGDATABASE": name,
            "DATABASE_URL": target.url,
        }
        if target.password is not None:
            env["PGPASSWORD"] = target.password
        return Database(name=name, dsn=target.url, env=env)


def template(stack: RunningStack, service: str = "") -> Template:
    """The database that tests' databases are copied from: the clean state of the schema in devstack.yml, as `reset` keeps it.

    Where no schema is declared, or it cannot be made beside the live database, a copy of the live one as it is now; its sessions are
    ended for that moment. Raises `DevstackError`.
    """
    from devstack.bring_up.clean import clean_states, template_of
    from devstack.cli.databases import postgres
    from devstack.database.cluster import open_cluster
    from devstack.database.reach import target_of

    session = stack.session
    role = postgres(session, service)
    spec = session.project.spec
    states = clean_states(session.engine, session.stack, spec, role.service) if spec else ()
    clean = next((state for state in states if state.database == role.database), states[0] if states else None)
    database = clean.database if clean else role.database
    target = target_of(role, session.container(role.service), session.engine.info.endpoint, database)
    cluster = open_cluster(target, session.stack.name, wait=10.0)
    try:
        with lock.locked(session.stack.name, session.stack.directory):
            _sweep(cluster)
            if clean is not None and not clean.obstacle:
                source = template_of(session.engine, session.stack, cluster, clean, lambda line: None, lambda: None)
                return Template(session, cluster, source, own=False)
            source = _name()
            cluster.adopt(cluster.copy(database, like=database, comment=False), source)
            return Template(session, cluster, source, own=True)
    except BaseException:
        cluster.connection.close()
        raise


def _name() -> str:
    return f"{PREFIX}{_machine()}_{os.getpid()}_{secrets.token_hex(3)}"


def _machine() -> str:
    """This machine in eight letters: two of them may test on one server."""
    import hashlib

    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _sweep(cluster: Cluster) -> None:
    """Drop what runs of this machine left that were killed."""
    for kept in cluster.databases():
        parts = kept.database.removeprefix(PREFIX).split("_")
        if kept.database.startswith(PREFIX) and parts[0] == _machine() and len(parts) == 3 and not _lives(parts[1]):
            cluster.drop(kept.database)


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
