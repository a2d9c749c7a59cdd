"""`devstack start`: start stopped containers as they are."""

from __future__ import annotations

import typer

from devstack.cli import options as opt


def start(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    timeout: opt.Timeout = 600.0,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Start containers that are there but stopped, and wait until they are healthy. Makes and changes nothing."""
    from devstack.cli import bringing
    from devstack.cli.session import begin
    from devstack.plan.up import UpOptions

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    wanted = UpOptions(services=tuple(services or ()), no_deps=bool(services), no_recreate=True)
    with session.alone(timeout=lock_timeout):
        bringing.resume(session, wanted, timeout=timeout)
