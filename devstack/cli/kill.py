"""`devstack kill`: send a signal."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def kill(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    signal: Annotated[str, typer.Option("--signal", "-s", help="The signal: TERM, HUP, 9.")] = "KILL",
    as_json: opt.AsJson = False,
) -> None:
    """Send a signal to running containers, SIGKILL unless told otherwise."""
    from devstack.cli import acting
    from devstack.cli.session import begin

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    acting.kill(session, services or (), signal)
