"""`devstack events`: what happens."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def events(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """Print what happens to the stack's containers, a line each, until Ctrl-C."""
    from devstack.cli import looking
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine)
    looking.follow_events(session, services or (), as_json=as_json)
