"""`devstack build`: build images."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def build(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Every step anew.")] = False,
    pull: Annotated[bool, typer.Option("--pull", help="Newer base images, where there are any.")] = False,
    build_arg: Annotated[list[str] | None, typer.Option("--build-arg", help="NAME=VALUE, or NAME from here (repeatable).")] = None,
    with_dependencies: Annotated[bool, typer.Option("--with-dependencies", help="Also what the named services need.")] = False,
    timeout: opt.Timeout = 1800.0,
    as_json: opt.AsJson = False,
) -> None:
    """Build the images of services, whether or not they are there."""
    from devstack.cli import making
    from devstack.cli.session import begin

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    with session.alone():
        making.build(
            session,
            services or (),
            arguments=opt.variables(build_arg),
            no_cache=no_cache,
            pull=pull,
            needed=with_dependencies,
            timeout=timeout,
        )
