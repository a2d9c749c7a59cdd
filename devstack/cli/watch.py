"""`devstack watch`: act on changes."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def watch(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    no_up: Annotated[bool, typer.Option("--no-up", help="Only watch what runs already.")] = False,
    timeout: opt.Timeout = 600.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line; the first is that of up.")] = False,
) -> None:
    """Bring the stack up, and then sync, rebuild, restart or run as `develop.watch` says, whenever files change."""
    from devstack.cli import watchers
    from devstack.cli.session import begin

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    watchers.watch(session, services or (), up=not no_up, as_json=as_json, timeout=timeout)
