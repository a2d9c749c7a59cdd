"""`devstack reset`: empty data, in a moment, with a way back."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def reset(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    hard: Annotated[
        bool, typer.Option("--hard", help="New volumes for everything, databases too: for a server that is damaged itself.")
    ] = False,
    no_seed: Annotated[bool, typer.Option("--no-seed", help="A clean state without the schema's seeds.")] = False,
    yes: opt.Yes = False,
    timeout: opt.Timeout = 600.0,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Replace the data of all services (or of the named ones) by a clean state. A snapshot is kept; `undo` brings it back."""
    from devstack.cli import data
    from devstack.cli.session import begin

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    with session.alone(timeout=lock_timeout):
        data.reset(session, tuple(services or ()), hard=hard, seed=not no_seed, yes=yes, timeout=timeout)
