"""`devstack schema status`: which files a database has had, and which it still needs."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt
from devstack.cli.schema.choosing import Database, ExitCode


def status(
    ctx: typer.Context,
    database: Database = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="List every file, however many there are.")] = False,
    exit_code: ExitCode = False,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """Each file against the ledger: applied, pending, edited (with the difference), missing, out of order, stopped half-way.

    Ends with 0; with --exit-code it ends with 3 unless every database has all its files as they are.
    """
    from devstack.cli.schema import states
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    if not states.show(session, database, everything=everything) and exit_code:
        raise typer.Exit(3)
