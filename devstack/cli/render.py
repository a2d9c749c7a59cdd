"""`devstack render`: write the files, or say which are stale."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def render(
    ctx: typer.Context,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    engine: opt.EngineName = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 with a diff when a file is stale.")] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print instead of writing; secrets are masked.")] = False,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Write the Compose file, .env and what else devstack.yml asks for."""
    from devstack.cli import rendering
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, None, None), engine, as_json)
    if check:
        rendering.check(session)
    elif stdout:
        rendering.show(session)
    else:
        with session.alone(timeout=lock_timeout):
            rendering.write(session)
