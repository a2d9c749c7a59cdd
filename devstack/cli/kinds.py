"""`devstack kinds`: the catalogue, and each kind's manual."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def kinds(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One kind, for its manual.")] = None,
    file: opt.File = None,
    as_json: opt.AsJson = False,
) -> None:
    """List the kinds of service, or print one kind's manual."""
    from devstack.cli import manual
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, None, None, None), None, as_json)
    manual.show(session, name)
