"""`devstack config`: the canonical model of the files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devstack.cli import options as opt


def config(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    format: Annotated[str, typer.Option("--format", help="yaml or json.")] = "",
    hash: Annotated[str, typer.Option("--hash", help="The config hash of a service; '*' for all.")] = "",
    list_services: Annotated[bool, typer.Option("--services", help="Only the names of the services.")] = False,
    images: Annotated[bool, typer.Option("--images", help="Only the images.")] = False,
    volumes: Annotated[bool, typer.Option("--volumes", help="Only the names of the volumes.")] = False,
    networks: Annotated[bool, typer.Option("--networks", help="Only the names of the networks.")] = False,
    profiles: Annotated[bool, typer.Option("--profiles", help="Only the names of the profiles.")] = False,
    variables: Annotated[bool, typer.Option("--variables", help="Only the variables that the files name.")] = False,
    environment: Annotated[bool, typer.Option("--environment", help="Only the variables that there are.")] = False,
    no_interpolate: Annotated[bool, typer.Option("--no-interpolate", help="Leave variables unreplaced.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing; only say what is wrong.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Mask nothing on a terminal either.")] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Print the model: files merged, variables replaced, paths absolute. Piped it is whole; on a terminal secrets are masked."""
    from devstack.cli import configuring
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, services, project_directory), None, as_json)
    flags = {
        "services": list_services,
        "images": images,
        "volumes": volumes,
        "networks": networks,
        "profiles": profiles,
        "variables": variables,
        "environment": environment,
    }
    asked = configuring.Asked(
        services=tuple(services or ()),
        format=format,
        list=next((name for name, wanted in flags.items() if wanted), ""),
        hash=hash,
        no_interpolate=no_interpolate,
        quiet=quiet,
        show_secrets=show_secrets,
        output=output,
    )
    configuring.show(session, asked)
