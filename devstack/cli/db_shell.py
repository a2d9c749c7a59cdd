"""`devstack db-shell`: open the database."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def db_shell(
    ctx: typer.Context,
    service: opt.OptionalService = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    command: Annotated[list[str] | None, typer.Option("--command", "-c", help="Run this SQL and end (repeatable).")] = None,
    database: Annotated[str, typer.Option("--database", "-d", help="Another database than the service's own.")] = "",
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse writes that are not meant; see the manual.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Results as CSV.")] = False,
) -> None:
    """Open psql (or redis-cli) inside the database's container. SQL can be given with -c or piped in."""
    from devstack.cli import shelling
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine)
    raise typer.Exit(shelling.open_shell(session, service, tuple(command or ()), database, read_only=read_only, csv=csv))
