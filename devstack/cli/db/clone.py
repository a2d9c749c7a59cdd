"""`devstack db clone`: a second database with the same content."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def clone(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The new database.")],
    service: Annotated[str, typer.Option("--service", "-s", help="The PostgreSQL service, where there are several.")] = "",
    database: Annotated[str, typer.Option("--database", "-d", help="Another database than the service's own.")] = "",
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Make a second database with the content of the first."""
    from devstack.cli import snapshots
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    with session.alone(timeout=lock_timeout):
        snapshots.clone(session, name, service, database)
