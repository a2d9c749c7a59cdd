"""`devstack db dump`: the database as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devstack.cli import options as opt


def dump(
    ctx: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; readable by you only.")],
    service: Annotated[str, typer.Option("--service", "-s", help="The PostgreSQL service, where there are several.")] = "",
    database: Annotated[str, typer.Option("--database", "-d", help="Another database than the service's own.")] = "",
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
    """Write the database to a file: SQL text when its name ends in .sql or .sql.gz, else pg_dump's custom format."""
    from devstack.cli import dumping
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    with session.alone(timeout=lock_timeout):
        dumping.dump(session, target, service, database, yes=yes)
