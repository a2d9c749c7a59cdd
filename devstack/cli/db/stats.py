"""`devstack db stats`: sizes, indexes, locks, slow queries."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt
from devstack.cli.schema.choosing import Database


def stats(
    ctx: typer.Context,
    database: Database = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many lines in each section.", min=1)] = 10,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """Sizes, rows, indexes nobody uses, bloat, who waits for a lock, and slow queries where pg_stat_statements is there."""
    from devstack.cli.db import measuring
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    measuring.show(session, database, limit)
