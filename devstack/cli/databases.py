"""What the `db` commands share: which database is meant, and a server that is free of what a killed command left."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.cli import data
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.compose.roles import Postgres, role_of
from devstack.database import snapshot as snapshots
from devstack.database.cluster import Cluster
from devstack.database.marks import Kept, Kind, Mark
from devstack.database.room import Disk, telling
from devstack.database.servers import Servers
from devstack.engine.base import Container, Observed
from devstack.errors import DevstackError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One live database and the session with its server."""

    role: Postgres
    name: str
    container: Container
    cluster: Cluster
    servers: Servers
    observed: Observed

    @property
    def service(self) -> str:
        return self.role.service


@contextmanager
def opened(session: Session, service: str = "", database: str = "", *, there: bool = True) -> Iterator[Database]:
    """The database that is meant, with the project held, unfinished business finished and leftovers swept.

    `there` False says that the live database may be gone.
    """
    data.refuse_remote(session)
    role = postgres(session, service)
    with session.locked():
        data.finish(session)
        observed = session.observe()
        with Servers(session.engine, session.stack, observed) as servers:
            cluster = servers.cluster(role.service)
            cluster.sweep()
            name = database or role.database
            if there and not cluster.has(name):
                known = ", ".join(one.database for one in cluster.databases() if one.mark is None)
                raise UsageError(f"{role.service} has no database {name}", hints=[f"databases: {known}"], code="no-database")
            container = servers.container(role.service)
            assert container is not None
            found = Database(role=role, name=name, container=container, cluster=cluster, servers=servers, observed=observed)
            with telling(Disk(session.engine, container, role)):
                yield found
            _remember(session, found)


def _remember(session: Session, database: Database) -> None:
    """A reset while the server does not run must know that there are snapshots inside its volume."""
    kept = database.cluster.kept("snapshot", "branch")
    snapshots.note_inside(session.engine, session.stack, database.service, there=bool(kept))


def all_postgres(session: Session) -> dict[str, Postgres]:
    """Every PostgreSQL of the stack by its service."""
    stack = session.stack
    return {s.name: role for s in stack.services.values() if isinstance(role := role_of(s, stack.secrets), Postgres)}


def postgres(session: Session, service: str = "") -> Postgres:
    """The named PostgreSQL, else the schema's, else the only one there is."""
    roles = all_postgres(session)
    if service:
        session.service(service)
        if service not in roles:
            raise UsageError(
                f"{service} is no PostgreSQL that devstack recognises", hints=[f"databases: {', '.join(roles) or 'none'}"]
            )
        return roles[service]
    spec = session.project.spec
    if spec is not None and spec.schema and spec.schema[0].service in roles:
        return roles[spec.schema[0].service]
    if len(roles) == 1:
        return next(iter(roles.values()))
    if not roles:
        raise UsageError("this stack has no PostgreSQL that devstack recognises", code="no-database")
    raise UsageError("there are several databases", hints=[f"--service {name}" for name in roles])


def mark(session: Session, database: Database, kind: Kind, name: str) -> Mark:
    """What is written at a copy of the database that is made now."""
    return Mark(
        kind=kind,
        of=database.name,
        name=name,
        project=session.stack.name,
        when=time.time(),
        server=database.cluster.version,
        key=schema_key(session, database),
        commit=git(session.stack.directory, "rev-parse", "--short", "HEAD"),
        comment=database.cluster.comment(database.name),
    )


def schema_key(session: Session, database: Database) -> str:
    """The key of the schema's files as they are now, 12 digits; "" for a database that has none."""
    from devstack.bring_up.clean import clean_states
    from devstack.database import templates

    spec = session.project.spec
    if spec is None:
        return ""
    try:
        states = clean_states(session.engine, session.stack, spec, database.service)
    except DevstackError:
        return ""  # files that cannot be read do not keep anybody from saving data
    found = next((state for state in states if state.database == database.name), None)
    locale = templates.locale(database.cluster, database.name)
    return found.key(database.cluster.version, database.cluster.target.user, locale)[:12] if found else ""


def git(folder: Path, *arguments: str) -> str:
    """What git answers, "" where there is no git or no repository."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def as_json(kept: Kept, service: str) -> dict[str, Json]:
    """A database that is kept, as data."""
    known = kept.mark
    assert known is not None
    return {
        "name": known.name,
        "kind": known.kind,
        "service": service,
        "database": known.of,
        "stored_as": kept.database,
        "created": when(known.when),
        "size": kept.size,
        "server_major": known.major,
        "schema_key": known.key[:12] or None,
        "git_commit": known.commit or None,
    }


def when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def say_sessions(session: Session, database: Database) -> None:
    """The server copies and renames no database in use: name whose sessions are about to be ended."""
    names = list(dict.fromkeys(database.cluster.sessions(database.name)))
    if names:
        session.console.label("sessions", f"{', '.join(names[:6])} disconnected for a moment")
