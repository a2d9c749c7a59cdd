"""`devstack schema diff`: how the running database differs from what its files make."""

from __future__ import annotations

import typer

from devstack.cli import options as opt
from devstack.cli.schema.choosing import Database, ExitCode


def diff(
    ctx: typer.Context,
    database: Database = None,
    exit_code: ExitCode = False,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """Build a scratch database from nothing with all the files (or the tool), and compare its schema with the running one.

    Shown are facts that only one of the two has, then what was edited after it was applied, then what the tool's own check says.
    """
    from devstack.cli.schema import comparing
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    if not comparing.diff(session, database) and exit_code:
        raise typer.Exit(3)
