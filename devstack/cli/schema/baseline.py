"""`devstack schema baseline`: a database that has the schema already."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt
from devstack.cli.schema.choosing import Database


def baseline(
    ctx: typer.Context,
    database: Database = None,
    to: Annotated[str, typer.Option("--to", help="Only up to this file (its name or number).")] = "",
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """Record the files as applied without running them, for a database that somebody else brought to where they lead."""
    from devstack.cli.schema import amending
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    with session.locked():
        amending.baseline(session, database, to)
