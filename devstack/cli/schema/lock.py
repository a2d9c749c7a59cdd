"""`devstack schema lock`: the schema as a file to review and commit."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt
from devstack.cli.schema.choosing import Database


def lock(
    ctx: typer.Context,
    database: Database = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; end with 1 and the difference when it is stale.")] = False,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """Write what the files make of an empty database to db/schema.lock, sorted, one fact a line: tables, columns, indexes, ..."""
    from devstack.cli.schema import comparing
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    if not comparing.lock(session, database, check=check):
        raise typer.Exit(1)
