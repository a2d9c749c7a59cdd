"""`devstack stop`: stop containers, keep them."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def stop(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    timeout: Annotated[float | None, typer.Option("--timeout", "-t", help="Seconds a container gets to stop.")] = None,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Stop containers without removing them; `start` brings them back."""
    from devstack.cli import running
    from devstack.cli.session import begin
    from devstack.plan.down import plan_stop

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    for name in services or ():
        session.service(name)
    with session.alone(timeout=lock_timeout), session.locked(timeout=lock_timeout):
        plan = plan_stop(session.stack, session.observe(), services or (), grace=timeout)
        results = running.execute(session, plan)
    text = f"stopped in {results.seconds:.1f} s" if plan.steps else "nothing to do: nothing runs"
    session.console.answer({"project": session.stack.name, "steps": [step.key for step in plan.steps]}, text)
