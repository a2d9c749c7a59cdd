"""`devstack push`: send images."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def push(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    ignore_failures: Annotated[bool, typer.Option("--ignore-push-failures", help="Push what can be pushed.")] = False,
    include_deps: Annotated[bool, typer.Option("--include-deps", help="Also what the named services need.")] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Push the images that are built here to the registries they are named after."""
    from devstack.cli import making
    from devstack.cli.session import begin

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    making.push(session, services or (), ignore=ignore_failures, needed=include_deps)
