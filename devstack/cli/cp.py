"""`devstack cp`: files in and out."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def cp(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="SERVICE:PATH, a path here, or - for a tar on stdin.")],
    target: Annotated[str, typer.Argument(help="A path here, SERVICE:PATH, or - for a tar on stdout.")],
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    index: Annotated[int, typer.Option("--index", help="Which of several containers; to all, from the first.")] = 0,
    archive: Annotated[bool, typer.Option("--archive", "-a", help="Keep owners.")] = False,
    follow_link: Annotated[bool, typer.Option("--follow-link", "-L", help="Copy what a symbolic link points to.")] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Copy files between this machine and a service's containers (running or not): SERVICE:PATH and a path here, or - for a tar."""
    from devstack.cli import copying
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    copying.copy(session, source, target, index=index, owners=archive, follow=follow_link)
