"""`devstack exec`: run a command inside a service."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def execute(
    ctx: typer.Context,
    service: opt.Service,
    command: Annotated[list[str], typer.Argument(help="The command and its arguments.")],
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    no_tty: Annotated[bool, typer.Option("--no-tty", "-T", help="No terminal, even when there is one.")] = False,
    user: Annotated[str, typer.Option("--user", "-u", help="Run as this user.")] = "",
    env: Annotated[list[str] | None, typer.Option("--env", "-e", help="NAME=VALUE, or NAME from here (repeatable).")] = None,
    workdir: Annotated[str, typer.Option("--workdir", "-w", help="The folder to run in.")] = "",
    index: Annotated[int, typer.Option("--index", help="Which of several containers.")] = 1,
) -> None:
    """Run a command inside a running service; its exit code is devstack's."""
    from devstack.cli.session import begin
    from devstack.database.shell import Command, run_shell

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine)
    container = session.container(service, index)
    program = Command(tuple(command), opt.variables(env), user)
    raise typer.Exit(run_shell(session.engine, container.id, program, terminal=False if no_tty else None, workdir=workdir))
