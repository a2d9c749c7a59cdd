"""`devstack verify`: prove that the environment works."""

from __future__ import annotations

import typer

from devstack.cli import options as opt


def verify(
    ctx: typer.Context,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    timeout: opt.Timeout = 600.0,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Start a disposable twin of the stack, check it, take it away. Your running stack and its data are not touched."""
    from devstack.cli import proving
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    proving.prove(session, timeout=timeout, lock_timeout=lock_timeout)
