"""`devstack db prune`: free the disk of what is kept beside the live data."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def prune(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Snapshots.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Snapshots and the states of branches too.")] = False,
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
    """Remove templates and what is kept for undo, or the named snapshots. Says first what goes, with sizes."""
    from devstack.cli import pruning
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    with session.alone(timeout=lock_timeout):
        pruning.prune(session, tuple(names or ()), service, everything=everything, yes=yes)
