"""`devstack db switch`: the state of the database that belongs to a git branch."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def switch(
    ctx: typer.Context,
    branch: Annotated[str, typer.Argument(help="The branch; the one that is checked out when left out.", show_default=False)] = "",
    was: Annotated[str, typer.Option("--was", help="At the first switch: which branch the database is of now.")] = "",
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
    """Keep the database for the git branch it is of, and bring in that of another; a new branch begins with a copy."""
    from devstack.cli import branching
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    with session.alone(timeout=lock_timeout):
        branching.switch(session, branch, service, database, was=was)
