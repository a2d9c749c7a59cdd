"""The flow of `db-shell`: which service, in which container, with what command."""

from __future__ import annotations

import sys

from devstack.cli.session import Session
from devstack.compose.roles import Postgres, Redis, role_of
from devstack.errors import UsageError


def open_shell(session: Session, service: str | None, sql: tuple[str, ...], database: str, *, read_only: bool, csv: bool) -> int:
    """Open the shell of a database service; its exit code."""
    from devstack.database.shell import end_sessions, run_shell, shell_command, wants_terminal

    role = _role(session, service)
    container = session.container(role.service)
    command = shell_command(
        role,
        sql=sql,
        read_only=read_only,
        output="csv" if csv else "table",
        interactive=wants_terminal(sys.stdin.buffer, sys.stdout.buffer),
        database=database,
    )
    try:
        return run_shell(session.engine, container.id, command, terminal=False if sql else None)
    except KeyboardInterrupt:
        # The engine lets an exec run on when its client leaves; the query would keep its locks.
        end_sessions(session.engine, container.id, role, command)
        raise


def _role(session: Session, name: str | None) -> Postgres | Redis:
    """The database that is meant: the named one, else the schema's, else the only Postgres there is."""
    stack = session.stack
    roles = {s.name: role for s in stack.services.values() if (role := role_of(s, stack.secrets)) is not None}
    if name is not None:
        session.service(name)
        if name not in roles:
            raise UsageError(f"{name} is no database that devstack recognises", hints=[f"databases: {', '.join(roles) or 'none'}"])
        return roles[name]
    spec = session.project.spec
    if spec is not None and spec.schema and spec.schema[0].service in roles:
        return roles[spec.schema[0].service]
    databases: list[Postgres | Redis] = [role for role in roles.values() if isinstance(role, Postgres)] or list(roles.values())
    if len(databases) == 1:
        return databases[0]
    if not databases:
        raise UsageError("this stack has no database that devstack recognises", hints=["devstack exec SERVICE sh"])
    raise UsageError("there are several databases", hints=[f"devstack db-shell {role.service}" for role in databases])
