"""`devstack doctor`: what is wrong with this machine, and the fix for each."""

from __future__ import annotations

import typer

from devstack.cli import options as opt


def doctor(
    ctx: typer.Context,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """Look at the engine, the disk, the ports and what earlier runs left behind; say how to mend each."""
    from devstack.cli import examining
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, None, None), engine, as_json)
    if not examining.examine(session):
        raise typer.Exit(1)
