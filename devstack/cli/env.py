"""`devstack env`: the connection variables, for programs on the host."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def env(
    ctx: typer.Context,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    explain: Annotated[
        str, typer.Option("--explain", help="Where a variable's value comes from: every source, and which won.")
    ] = "",
    consumer: Annotated[str, typer.Option("--for", help="Only what this service is given, said for the host.")] = "",
    as_json: opt.AsJson = False,
) -> None:
    """Print what a program on this machine needs to reach the stack: eval "$(devstack env)"."""
    from devstack.cli import variables
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, None, env_file, directory=project_directory), None, as_json)
    if explain:
        variables.explain(session, explain)
    else:
        variables.show(session, consumer)
