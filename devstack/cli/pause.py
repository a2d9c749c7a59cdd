"""`devstack pause`: freeze."""

from __future__ import annotations

import typer

from devstack.cli import options as opt


def pause(
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
    """Freeze containers where they stand; `unpause` (or `up`) lets them go on."""
    from devstack.cli import acting
    from devstack.cli.session import begin

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    with session.locked():
        acting.pause(session, services or ())
