"""`devstack port`: where a port is published."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def port(
    ctx: typer.Context,
    service: opt.Service,
    port: Annotated[str, typer.Argument(help="The port inside the container: 80, or 53/udp.")],
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    protocol: Annotated[str, typer.Option("--protocol", help="tcp, udp or sctp.")] = "tcp",
    index: Annotated[int, typer.Option("--index", help="Which of several containers.")] = 1,
    as_json: opt.AsJson = False,
) -> None:
    """Print the host's address of a service's port."""
    from devstack.cli import looking
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    looking.show_port(session, service, port, protocol=protocol, index=index)
