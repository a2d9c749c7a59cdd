"""`devstack schema repair`: put the ledger right for single files."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt
from devstack.cli.schema.choosing import Database


def repair(
    ctx: typer.Context,
    files: Annotated[list[str], typer.Argument(help="Files as `schema status` names them.")],
    database: Database = None,
    forget: Annotated[bool, typer.Option("--forget", help="Take them out of the ledger: the next apply runs them again.")] = False,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """Record files as they are now as what was applied, and forget those that are gone. Only the ledger is written."""
    from devstack.cli.schema import amending
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    with session.locked():
        amending.repair(session, database, tuple(files), forget=forget)
