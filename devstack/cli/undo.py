"""`devstack undo`: take the last reset back."""

from __future__ import annotations

import typer

from devstack.cli import options as opt


def undo(
    ctx: typer.Context,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    yes: opt.Yes = False,
    timeout: opt.Timeout = 600.0,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Bring back the data that the last reset (or undo) took away. What is there now is kept as a snapshot too."""
    from devstack.cli import data
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    with session.alone(timeout=lock_timeout):
        data.undo(session, yes=yes, timeout=timeout)
