"""The flow of `redis-shell`: redis-cli or valkey-cli in the container, else a small client of our own over the published port."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from devstack.cli.session import Session
from devstack.cli.shelling import Wanted, chosen, is_terminal
from devstack.compose.roles import Redis
from devstack.errors import UsageError

if TYPE_CHECKING:
    from devstack.database.clients import Output


def open_redis(session: Session, service: str | None, commands: tuple[str, ...], output: Output, *, builtin: bool) -> int:
    """Open the shell of a Redis; its exit code."""
    role = chosen(session, service, (Redis,))
    assert isinstance(role, Redis)
    return _open(session, role, commands, output, builtin=builtin)


def for_db_shell(session: Session, role: Redis, wanted: Wanted) -> int:
    """`db-shell` for a service that is a Redis."""
    if wanted.read_only:
        raise UsageError(f"{role.service} is a Redis, whose shell cannot be made read-only")
    if wanted.files or wanted.database or wanted.client == "pgcli":
        raise UsageError(f"{role.service} is a Redis: -f, -d and --pgcli are for PostgreSQL")
    return _open(session, role, wanted.sql, wanted.output, builtin=wanted.client == "builtin")


def print_url(session: Session, role: Redis, *, show_password: bool) -> None:
    """The connection string, its password hidden unless it was asked for."""
    from devstack.database.reach import address_of

    host, port = address_of(role, session.container(role.service), session.engine.info.endpoint)
    password = f":{quote(role.password, safe='') if show_password else '****'}@" if role.password is not None else ""
    session.console.raw(f"redis://{password}{host}:{port}/0")


def _open(session: Session, role: Redis, commands: tuple[str, ...], output: Output, *, builtin: bool) -> int:
    from devstack.database.clients import first_there, redis_command
    from devstack.database.shell import run_shell

    container = session.container(role.service)
    names = ("valkey-cli", "redis-cli") if "valkey" in session.service(role.service).image_name else ("redis-cli", "valkey-cli")
    program = "" if builtin else first_there(session.engine, container.id, names)
    if not program:
        if not builtin:
            session.console.label("note", f"{role.service} has no redis-cli, so this is the shell that is built in")
        return _builtin(session, role, commands)
    terminal = is_terminal() and not commands
    for text in commands or ("",):
        command = redis_command(role, program=program, command=text, interactive=terminal, output=output)
        code = run_shell(session.engine, container.id, command, terminal=terminal)
        if code:
            return code
    return 0


def _builtin(session: Session, role: Redis, commands: tuple[str, ...]) -> int:
    from devstack.database.reach import address_of
    from devstack.database.resp import Redis as Client
    from devstack.database.resp import ServerSays, shown

    host, port = address_of(role, session.container(role.service), session.engine.info.endpoint)
    client = Client(host, port, role.password, role.service)
    prompt = is_terminal() and not commands
    code = 0
    try:
        for line in commands or _lines(f"{host}:{port}> " if prompt else ""):
            try:
                words = shlex.split(line)
                if words[:1] in (["quit"], ["exit"]):
                    break
                if words:
                    sys.stdout.write(shown(client.ask(words)) + "\n")
            except (ServerSays, ValueError) as error:
                sys.stderr.write(f"{error}\n")
                code = 1
                if not prompt:
                    break
            sys.stdout.flush()
    finally:
        client.close()
    return 0 if prompt else code


def _lines(prompt: str) -> Iterator[str]:
    while True:
        if prompt:
            sys.stdout.write(prompt)
            sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            return
        yield line
