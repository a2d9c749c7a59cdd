"""`devstack run`: one command in a container of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt

Repeated = list[str] | None


def run(
    ctx: typer.Context,
    service: opt.Service,
    command: Annotated[Repeated, typer.Argument(help="The command; without one the service's own.")] = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    rm: Annotated[bool, typer.Option("--rm", help="Remove the container when it has ended.")] = False,
    no_deps: Annotated[bool, typer.Option("--no-deps", help="Do not start what the service needs.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Print the container's name and leave it running.")] = False,
    no_tty: Annotated[bool, typer.Option("--no-tty", "-T", help="No terminal, even when there is one.")] = False,
    interactive: Annotated[bool, typer.Option("--interactive/--no-interactive", "-i", help="Pass on what is typed.")] = True,
    entrypoint: Annotated[str | None, typer.Option("--entrypoint", help="Another entrypoint.")] = None,
    env: Annotated[Repeated, typer.Option("--env", "-e", help="NAME=VALUE, or NAME from here (repeatable).")] = None,
    label: Annotated[Repeated, typer.Option("--label", "-l", help="NAME=VALUE (repeatable).")] = None,
    user: Annotated[str, typer.Option("--user", "-u", help="Run as this user.")] = "",
    workdir: Annotated[str, typer.Option("--workdir", "-w", help="The folder to run in.")] = "",
    volume: Annotated[Repeated, typer.Option("--volume", "-v", help="SOURCE:TARGET[:ro] (repeatable).")] = None,
    publish: Annotated[Repeated, typer.Option("--publish", help="[ADDRESS:]HOST:PORT; 127.0.0.1 without one.")] = None,
    service_ports: Annotated[bool, typer.Option("--service-ports", "-P", help="Publish the service's ports.")] = False,
    name: Annotated[str, typer.Option("--name", help="The container's name.")] = "",
    timeout: opt.Timeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Run one command in a new container of a service, what it needs up first. Its exit code is devstack's."""
    from pathlib import Path

    from devstack.cli import one_offs
    from devstack.cli.session import begin
    from devstack.compose.arguments import typed_mounts, typed_ports, typed_words
    from devstack.one_off import OneOff

    chosen = opt.selection(file, project_name, profile, env_file, [service], directory=project_directory)
    session = begin(ctx, chosen, engine, as_json)
    tty = not no_tty and not detach and interactive and one_offs.has_terminal()
    wanted = OneOff(
        service=service,
        command=tuple(command) if command else None,
        entrypoint=None if entrypoint is None else typed_words(entrypoint, "--entrypoint"),
        environment=opt.variables(env),
        labels=opt.variables(label),
        mounts=typed_mounts(volume or (), Path.cwd()),
        ports=typed_ports(publish or ()),
        service_ports=service_ports,
        user=user,
        workdir=workdir,
        name=name,
        tty=tty,
        stdin=interactive and not detach,
    )
    code = one_offs.run(session, wanted, no_deps=no_deps, remove=rm, detach=detach, timeout=timeout)
    if code:
        raise typer.Exit(code)
