"""`devstack db fix-credentials`: the password in .env, given to the server."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def fix_credentials(
    ctx: typer.Context,
    service: Annotated[str, typer.Option("--service", "-s", help="The PostgreSQL service, where there are several.")] = "",
    yes: opt.Yes = False,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Give the server the password that stands in .env, over the container's own socket. No data is touched."""
    from devstack.cli import credentials
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    with session.alone(timeout=lock_timeout):
        credentials.fix(session, service, yes=yes)
