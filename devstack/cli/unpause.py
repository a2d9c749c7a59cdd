"""`devstack unpause`: let go on."""

from __future__ import annotations

import typer

from devstack.cli import options as opt


def unpause(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """Let paused containers go on."""
    from devstack.cli import acting
    from devstack.cli.session import begin

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    with session.locked():
        acting.unpause(session, services or ())
