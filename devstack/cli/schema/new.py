"""`devstack schema new`: the next file."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt
from devstack.cli.schema.choosing import Database


def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What it does, in a few words: add_orders.")],
    database: Database = None,
    down: Annotated[bool, typer.Option("--down", help="With a block that takes it back.")] = False,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """Make the next SQL file beside the others, numbered or dated as they are."""
    from devstack.cli.schema import naming
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    naming.make(session, name, database, down=down)
