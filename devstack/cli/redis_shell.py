"""`devstack redis-shell`: open a Redis."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def redis_shell(
    ctx: typer.Context,
    service: opt.OptionalService = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    command: Annotated[list[str] | None, typer.Option("--command", "-c", help="Run this command and end (repeatable).")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Answers as CSV.")] = False,
    print_url: Annotated[bool, typer.Option("--print-url", help="Print the connection string, its password hidden.")] = False,
    show_password: Annotated[bool, typer.Option("--show-password", help="With --print-url: the password too.")] = False,
    builtin: Annotated[bool, typer.Option("--builtin", help="Use the small client that is built in, not redis-cli.")] = False,
) -> None:
    """Open redis-cli or valkey-cli of a Redis. Commands can be given with -c or piped in."""
    from devstack.cli import shelling, shelling_redis
    from devstack.cli.session import begin
    from devstack.compose.roles import Redis

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine)
    if print_url or show_password:
        role = shelling.chosen(session, service, (Redis,))
        assert isinstance(role, Redis)
        shelling_redis.print_url(session, role, show_password=show_password)
        return
    raise typer.Exit(shelling_redis.open_redis(session, service, tuple(command or ()), "csv" if csv else "table", builtin=builtin))
