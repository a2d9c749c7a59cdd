"""`devstack schema apply`: run what is pending."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt
from devstack.cli.schema.choosing import Database


def apply(
    ctx: typer.Context,
    database: Database = None,
    to: Annotated[
        str, typer.Option("--to", help="Stop after this file (its name or number); back to it by down blocks; 0 is before all.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be run, and how; change nothing.")] = False,
    no_seed: Annotated[bool, typer.Option("--no-seed", help="Leave the seeds out.")] = False,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    yes: opt.Yes = False,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Run pending roles, files (or the project's own tool), repeatables and seeds, each in a transaction with its row in the ledger."""
    from devstack.cli.schema import applying
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    if dry_run:
        applying.preview(session, database, to=to, seeds=not no_seed)
        return
    with session.locked(timeout=lock_timeout):
        applying.apply(session, database, to=to, seeds=not no_seed, yes=yes)
