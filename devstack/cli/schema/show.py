"""`devstack schema show`: what stands in the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devstack.cli import options as opt
from devstack.cli.schema.choosing import Database


def show(
    ctx: typer.Context,
    tables: Annotated[list[str] | None, typer.Argument(help="Tables; all when none is named.")] = None,
    database: Database = None,
    diagram: Annotated[str, typer.Option("--diagram", help="Draw it: svg, mermaid or png.", show_default=False)] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the picture to this file.", show_default=False)
    ] = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """Tables with columns, keys, checks, indexes, triggers and partitions, and enums; or an entity-relationship picture of them."""
    from devstack.cli.schema import describing
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    describing.show(session, database, tuple(tables or ()), diagram, output)
