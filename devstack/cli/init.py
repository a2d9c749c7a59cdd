"""`devstack init`: a devstack.yml where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devstack.cli import options as opt


def init(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where; made when it is not there.")] = Path(),
    template: Annotated[str, typer.Option("--template", "-t", help="postgres, fastapi, fullstack, ... (--list shows them).")] = "",
    name: Annotated[str, typer.Option("--name", help="Project name; the folder's when not given.")] = "",
    list_them: Annotated[bool, typer.Option("--list", help="List the templates.")] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Make a new project from a template, or adopt the Compose file that is there."""
    from devstack.cli import scaffolding
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(None, None, None, None), None, as_json)
    if list_them:
        scaffolding.list_templates(session)
    else:
        scaffolding.make(session, folder, template, name)
