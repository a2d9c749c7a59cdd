"""`devstack db restore`: bring a snapshot back."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def restore(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The snapshot.")],
    service: Annotated[str, typer.Option("--service", "-s", help="The PostgreSQL service, where there are several.")] = "",
    yes: opt.Yes = False,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Put a snapshot in the place of the database. What is there now is kept; `devstack undo` brings it back."""
    from devstack.cli import snapshots
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    with session.alone(timeout=lock_timeout):
        snapshots.restore(session, name, service, yes=yes)
