"""The command lines of the databases' own shells. Passwords travel in the environment, never in arguments."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import Literal

from devstack.compose.roles import Postgres, Redis
from devstack.database.shell import Command
from devstack.database.target import Target
from devstack.engine.base import Engine
from devstack.errors import EngineRefused, UsageError

APPLICATION = "devstack-shell"
Output = Literal["table", "csv"]


def psql_command(
    role: Postgres,
    *,
    sql: Sequence[str] = (),
    script: bool = False,
    output: Output = "table",
    interactive: bool = True,
    database: str = "",
    reader: Target | None = None,
    history: str = "",
    extra: Sequence[str] = (),
) -> Command:
    """psql for a service: `sql` runs instead of a prompt, then with `script` what comes on stdin.

    It goes over the container's unix socket, where the official images ask for no password: a shell opens even when the one in .env
    is wrong. For a `reader` it goes to that address with that role's password, because the socket would let every role in.
    """
    user = reader.user if reader else role.user
    argv = ["psql", "-U", user, "-d", database or role.database, "-p", str(reader.port if reader else role.port)]
    if sql or script or not interactive:
        argv += ["-X", "-v", "ON_ERROR_STOP=1"]
    elif reader:
        argv += ["-v", "PROMPT1=%/(ro)%R%x%# "]
    if output == "csv":
        argv.append("--csv")
    argv += extra
    for statement in sql:
        argv += ["-c", statement]
    if script:
        argv += ["-f", "-"]
    environment = {"PGHOST": reader.host if reader else "", "PGAPPNAME": f"{APPLICATION} {os.getpid()}", "PGCLIENTENCODING": "UTF8"}
    password = reader.password if reader else role.password
    if password is not None:
        environment["PGPASSWORD"] = password
    if reader:
        environment["PGOPTIONS"] = "-c client_connection_check_interval=500"
    if history:
        environment["PSQL_HISTORY"] = history
    return Command(tuple(argv), environment, "")


def redis_command(
    role: Redis, *, program: str = "redis-cli", command: str = "", interactive: bool = True, output: Output = "table"
) -> Command:
    """redis-cli for a service; `command` is run instead of a prompt and split as a shell splits words."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"-c {command}: {error}") from None
    argv = [program, "-p", str(role.port), *(["--csv"] if output == "csv" else [])]
    if words or not interactive:
        argv += ["-e", *words]
    environment = {"REDISCLI_AUTH": role.password, "VALKEYCLI_AUTH": role.password} if role.password is not None else {}
    return Command(tuple(argv), environment, "")


def first_there(engine: Engine, container: str, programs: Sequence[str]) -> str:
    """The first of these programs that the container has, "" when it has none of them."""
    for program in programs:
        try:
            if engine.exec(container, (program, "--version")).exit_code not in (126, 127):
                return program
        except EngineRefused as refusal:
            if "not found" not in refusal.message:
                raise
    return ""


def end_sessions(engine: Engine, container: str, role: Postgres, command: Command) -> None:
    """End the server's session of a psql in the container that was left in the middle of a statement."""
    name = command.environment["PGAPPNAME"]
    ending = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"  # noqa: S608 - our own pid
    ender = psql_command(role, sql=(ending,), interactive=False)
    engine.exec(container, ender.argv, environment={**ender.environment, "PGAPPNAME": "devstack-end"})
