"""`devstack db load`: a file in the place of the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devstack.cli import options as opt


def load(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="SQL text (.gz too) or pg_dump's custom format.")],
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the dump as the database's own user, a superuser in most images.")
    ] = False,
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
    """Put what a dump makes in the place of the database, all or nothing. What is there now is kept; `devstack undo` brings it back.

    The dump is run as a role that owns the new database and nothing else: what needs a superuser is refused.
    """
    from devstack.cli import dumping
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    with session.alone(timeout=lock_timeout):
        dumping.load(session, source, service, database, trusted=trust, yes=yes)
