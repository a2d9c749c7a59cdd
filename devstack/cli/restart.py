"""`devstack restart`: stop and start again."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def restart(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    grace: Annotated[float | None, typer.Option("--grace", "-t", help="Seconds a container gets to stop.")] = None,
    timeout: opt.Timeout = 600.0,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Stop containers and start them again, dependents last, and wait until they are healthy."""
    from devstack.cli import bringing, running
    from devstack.cli.session import begin
    from devstack.plan.down import plan_stop
    from devstack.plan.up import UpOptions

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    for name in services or ():
        session.service(name)
    with session.alone(timeout=lock_timeout):
        with session.locked(timeout=lock_timeout):
            running.execute(session, plan_stop(session.stack, session.observe(), services or (), grace=grace))
        bringing.resume(
            session, UpOptions(services=tuple(services or ()), no_deps=bool(services), no_recreate=True), timeout=timeout
        )
