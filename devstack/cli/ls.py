"""`devstack ls`: every stack on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def ls(
    ctx: typer.Context,
    engine: opt.EngineName = None,
    every: Annotated[bool, typer.Option("--all", "-a", help="Also those that are down and have volumes.")] = False,
    running: Annotated[bool, typer.Option("--running", help="Only those with a running container.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the names.")] = False,
    as_json: opt.AsJson = False,
) -> None:
    """List the stacks on the engine, devstack's and Compose's: how they stand, whose folder, which files."""
    from devstack.cli import looking
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(None, None, None, None), engine, as_json)
    looking.show_stacks(session, every=every, running=running, quiet=quiet)
