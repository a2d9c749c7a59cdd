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
    ci: Annotated[str, typer.Option("--ci", help="Write a workflow that runs verify instead: github or gitlab.")] = "",
    ci_package: Annotated[
        str, typer.Option("--ci-package", help="What pip installs devstack from there; as it was installed here when not given.")
    ] = "",
    as_json: opt.AsJson = False,
) -> None:
    """Make a new project from a template, or adopt the Compose file that is there."""
    from devstack.cli import pipelines, scaffolding
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(None, None, None, None), None, as_json)
    if list_them:
        scaffolding.list_templates(session)
    elif ci:
        pipelines.write(session, folder.absolute(), ci, ci_package)
    else:
        scaffolding.make(session, folder, template, name)
