"""`devstack rm`: remove what is stopped."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def rm(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    stop: Annotated[bool, typer.Option("--stop", "-s", help="Stop those that run, first.")] = False,
    volumes: Annotated[bool, typer.Option("--volumes", "-v", help="Their nameless volumes too.")] = False,
    yes: opt.Yes = False,
    force: Annotated[bool, typer.Option("--force", help="The same as --yes.")] = False,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Remove stopped containers; asks first. Named volumes stay."""
    from devstack.cli import acting
    from devstack.cli.session import begin

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    with session.locked(timeout=lock_timeout):
        acting.remove_stopped(session, services or (), yes=yes or force, stop=stop, volumes=volumes)
