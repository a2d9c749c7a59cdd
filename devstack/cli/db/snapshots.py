"""`devstack db snapshots`: the copies there are."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def snapshots(
    ctx: typer.Context,
    service: Annotated[str, typer.Option("--service", "-s", help="The PostgreSQL service, where there are several.")] = "",
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """List the snapshots with their size, git commit and schema."""
    from devstack.cli import snapshots
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    with session.alone(timeout=lock_timeout):
        snapshots.snapshots(session, service)
