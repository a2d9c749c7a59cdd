"""`devstack pull`: fetch images."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def pull(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    policy: Annotated[str, typer.Option("--policy", help="always, or missing: only what is not here.")] = "always",
    ignore_failures: Annotated[bool, typer.Option("--ignore-pull-failures", help="Pull what can be had.")] = False,
    include_deps: Annotated[bool, typer.Option("--include-deps", help="Also what the named services need.")] = False,
    timeout: opt.Timeout = 1800.0,
    as_json: opt.AsJson = False,
) -> None:
    """Pull the images of services that are not built here."""
    from devstack.cli import making
    from devstack.cli.session import begin

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    making.pull(session, services or (), policy=policy, ignore=ignore_failures, needed=include_deps, timeout=timeout)
