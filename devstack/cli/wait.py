"""`devstack wait`: until it has ended."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def wait(
    ctx: typer.Context,
    services: Annotated[list[str], typer.Argument(help="Services.", autocompletion=opt.complete_service)],
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """Wait until services have ended, and print their exit codes; the first that is not 0 is devstack's own."""
    from devstack.cli import acting
    from devstack.cli.session import begin

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    code = acting.wait(session, services)
    if code:
        raise typer.Exit(code)
