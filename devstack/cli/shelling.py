"""The flow of `db-shell`: which database, as whom, through which client."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from devstack.cli.session import Session
from devstack.compose.roles import Postgres, Redis, Role, role_of
from devstack.engine.observed import Health
from devstack.errors import UsageError

if TYPE_CHECKING:
    from devstack.database.clients import Output
    from devstack.database.reader import Reader
    from devstack.database.target import Target
    from devstack.engine.base import Container

APPLICATION = "devstack-shell"
PATIENCE = 30.0
"""Seconds that a server which is still starting is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asks for. `sql` runs first, then `files`; with neither it is a prompt, or what is piped in."""

    sql: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    database: str = ""
    read_only: bool = False
    output: Output = "table"
    client: Literal["psql", "pgcli", "builtin"] = "psql"

    @property
    def one_shot(self) -> bool:
        return bool(self.sql or self.files)


def open_shell(session: Session, service: str | None, wanted: Wanted) -> int:
    """Open the shell of a database; its exit code."""
    role = chosen(session, service)
    if isinstance(role, Redis):
        from devstack.cli import shelling_redis

        return shelling_redis.for_db_shell(session, role, wanted)
    if wanted.client == "builtin":
        from devstack.cli import shelling_builtin

        return shelling_builtin.open_builtin(session, role, wanted)
    if wanted.client == "pgcli":
        return _pgcli(session, role, wanted)
    return _psql(session, role, wanted)


def answer_as_json(session: Session, service: str | None, wanted: Wanted) -> None:
    """The rows of the queries as the JSON answer."""
    from devstack.cli import shelling_builtin

    role = chosen(session, service)
    if isinstance(role, Redis):
        raise UsageError(f"{role.service} is a Redis; --json is for PostgreSQL")
    shelling_builtin.answer_as_json(session, role, wanted)


def print_url(session: Session, service: str | None, database: str, *, show_password: bool) -> None:
    """The connection string, its password hidden unless it was asked for."""
    role = chosen(session, service)
    if isinstance(role, Redis):
        from devstack.cli import shelling_redis

        shelling_redis.print_url(session, role, show_password=show_password)
    else:
        target = target_for(session, role, database)
        session.console.raw(target.url if show_password else target.masked)


def chosen(session: Session, name: str | None, kinds: tuple[type, ...] = (Postgres, Redis)) -> Role:
    """The database that is meant: the named one, else the schema's, else the only one there is, a PostgreSQL before a Redis."""
    stack = session.stack
    found = {s.name: role for s in stack.services.values() if (role := role_of(s, stack.secrets)) is not None}
    roles = {service: role for service, role in found.items() if isinstance(role, kinds)}
    what = "database" if Postgres in kinds else "Redis"
    if name is not None:
        session.service(name)
        if name not in roles:
            raise UsageError(f"{name} is no {what} that devstack recognises", hints=[f"there is: {', '.join(roles) or 'none'}"])
        return roles[name]
    spec = session.project.spec
    if spec is not None and spec.schema and spec.schema[0].service in roles:
        return roles[spec.schema[0].service]
    first: list[Role] = [role for role in roles.values() if isinstance(role, Postgres)] or list(roles.values())
    if len(first) == 1:
        return first[0]
    if not first:
        raise UsageError(f"this stack has no {what} that devstack recognises", hints=["devstack exec SERVICE sh"])
    command = session.console.command or "db-shell"
    raise UsageError(
        f"there are several: {', '.join(r.service for r in first)}", hints=[f"devstack {command} {r.service}" for r in first]
    )


def target_for(session: Session, role: Postgres, database: str) -> Target:
    """Where the database answers from here."""
    from devstack.database.reach import target_of

    return target_of(role, session.container(role.service), session.engine.info.endpoint, database)


def reader_for(session: Session, role: Postgres, wanted: Wanted) -> Reader:
    """The role that may only read, made when it is not there."""
    from devstack.database.reader import reader_of

    found = reader_of(target_for(session, role, wanted.database), application_name=APPLICATION)
    if found.unguarded:
        session.console.label("note", "this server lets everybody in without a password (trust): \\c can become a role that writes")
    return found


def _psql(session: Session, role: Postgres, wanted: Wanted) -> int:
    """The server's own psql; where the container has none, this machine's, else the shell that is built in."""
    from devstack.cli import shelling_builtin
    from devstack.database.clients import first_there

    container = session.container(role.service)
    if container.health is Health.STARTING:
        _until_it_answers(session, container)
    if not first_there(session.engine, container.id, ("psql",)):
        if shutil.which("psql") and not wanted.one_shot:
            return _replaced_by(_host_psql(session, role, wanted))
        session.console.label("note", f"{role.service} has no psql, so this is the shell that is built in")
        return shelling_builtin.open_builtin(session, role, wanted)
    if wanted.read_only:
        from devstack.cli import shelling_apart

        return shelling_apart.read_only(session, role, container, wanted)
    return _inside(session, role, container, wanted)


def _until_it_answers(session: Session, container: Container) -> None:
    """A server that the engine calls starting may take no connections yet, as after an `up` that failed at another service."""
    from devstack.execute.asking import exit_code
    from devstack.execute.waiting import NOT_YET, question

    ask = question(session.service(container.service))
    deadline = time.monotonic() + PATIENCE
    told = False
    while exit_code(session.engine, container.id, ask) in NOT_YET and time.monotonic() < deadline:
        if not told:
            session.console.label("waiting", f"{container.service} is still starting")
            told = True
        time.sleep(0.2)


def _inside(session: Session, role: Postgres, container: Container, wanted: Wanted) -> int:
    """psql in the database's container."""
    from devstack.cli.shelling_input import sources
    from devstack.database.clients import end_sessions, psql_command
    from devstack.database.history import lent
    from devstack.database.shell import run_shell

    terminal = is_terminal() and not wanted.one_shot
    remembered = lent(session.engine, container.id, history_file(session)) if terminal else nullcontext("")
    with sources(wanted.files) as (stdin, stderr), remembered as history:
        command = psql_command(
            role, sql=wanted.sql, script=bool(wanted.files), output=wanted.output, interactive=terminal,
            database=wanted.database, history=history,
        )  # fmt: skip
        try:
            return run_shell(session.engine, container.id, command, stdin=stdin, stderr=stderr, terminal=terminal)
        except KeyboardInterrupt:
            # The engine lets an exec run on when its client leaves; the query would keep its locks.
            end_sessions(session.engine, container.id, role, command)
            raise


def _host_psql(session: Session, role: Postgres, wanted: Wanted) -> tuple[list[str], dict[str, str]]:
    from devstack.database.clients import psql_command

    target = reader_for(session, role, wanted).target if wanted.read_only else target_for(session, role, wanted.database)
    command = psql_command(role, output=wanted.output, interactive=is_terminal(), database=wanted.database, reader=target,
                           history=str(history_file(session)))  # fmt: skip
    return list(command.argv), command.environment


def _pgcli(session: Session, role: Postgres, wanted: Wanted) -> int:
    if shutil.which("pgcli") is None:
        raise UsageError(
            "pgcli is not installed here", hints=["pipx install pgcli", "devstack db-shell (psql needs no installation)"]
        )
    if wanted.one_shot or not is_terminal():
        raise UsageError("--pgcli is for a prompt at a terminal", hints=["leave it out: psql runs -c, -f and what is piped in"])
    target = reader_for(session, role, wanted).target if wanted.read_only else target_for(session, role, wanted.database)
    argv = ["pgcli", "-h", target.host, "-p", str(target.port), "-U", target.user, "-d", target.database]
    environment = {"PGAPPNAME": APPLICATION, **({"PGPASSWORD": target.password} if target.password is not None else {})}
    return _replaced_by((argv, environment))


def _replaced_by(program: tuple[list[str], dict[str, str]]) -> int:
    """From here on this process is that program: its terminal, signals and exit code are its own."""
    argv, environment = program
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvpe(argv[0], argv, {**os.environ, **environment})  # noqa: S606 - the program is ours to choose


def history_file(session: Session) -> Path:
    return session.stack.directory / ".devstack" / "psql_history"


def is_terminal() -> bool:
    from devstack.database.shell import wants_terminal

    return wants_terminal(sys.stdin.buffer, sys.stdout.buffer)
