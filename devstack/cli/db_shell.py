"""`devstack db-shell`: open the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devstack.cli import options as opt
from devstack.errors import UsageError


def db_shell(
    ctx: typer.Context,
    service: opt.OptionalService = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", help="A devstack.yml, or Compose files (repeatable).", envvar="DEVSTACK_FILE", show_envvar=False),
    ] = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    command: Annotated[list[str] | None, typer.Option("--command", "-c", help="Run this SQL and end (repeatable).")] = None,
    script: Annotated[
        list[Path] | None, typer.Option("--script", "-f", help="Run this SQL file and end (repeatable; after any -c).")
    ] = None,
    database: Annotated[str, typer.Option("--database", "-d", help="Another database than the service's own.")] = "",
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Log in as a role that can read everything and write nothing.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Results as CSV.")] = False,
    print_url: Annotated[bool, typer.Option("--print-url", help="Print the connection string, its password hidden.")] = False,
    show_password: Annotated[bool, typer.Option("--show-password", help="With --print-url: the password too.")] = False,
    pgcli: Annotated[bool, typer.Option("--pgcli", help="Open pgcli, where it is installed on this machine.")] = False,
    builtin: Annotated[bool, typer.Option("--builtin", help="Use the small shell that is built in, not psql.")] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Open the database's own shell: psql of the server's version. SQL can be given with -c, with -f, or piped in."""
    from devstack.cli import shelling
    from devstack.cli.session import begin

    if csv and as_json:
        raise UsageError("--csv and --json exclude each other")
    if pgcli and builtin:
        raise UsageError("--pgcli and --builtin exclude each other")
    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    if print_url or show_password:
        shelling.print_url(session, service, database, show_password=show_password)
        return
    wanted = shelling.Wanted(
        sql=tuple(command or ()),
        files=tuple(script or ()),
        database=database,
        read_only=read_only,
        output="csv" if csv else "table",
        client="pgcli" if pgcli else "builtin" if builtin else "psql",
    )
    if as_json:
        shelling.answer_as_json(session, service, wanted)
        return
    raise typer.Exit(shelling.open_shell(session, service, wanted))
