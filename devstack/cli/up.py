"""`devstack up`: make the stack run as it is written."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def up(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    plan: Annotated[bool, typer.Option("--plan", "--dry-run", help="Print what would be done, and why; touch nothing.")] = False,
    port: Annotated[list[str] | None, typer.Option("--port", help="SERVICE=PORT: publish another port, kept in .env.")] = None,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Give this checkout its own name and free ports, kept in .env.")
    ] = False,
    build: Annotated[bool, typer.Option("--build", help="Build images even when they are there.")] = False,
    pull: Annotated[bool, typer.Option("--pull", help="Pull images even when they are there.")] = False,
    force_recreate: Annotated[bool, typer.Option("--force-recreate", help="Make containers again though nothing changed.")] = False,
    no_recreate: Annotated[bool, typer.Option("--no-recreate", help="Leave containers that differ as they are.")] = False,
    no_deps: Annotated[bool, typer.Option("--no-deps", help="Only the named services, not what they need.")] = False,
    renew_anon_volumes: Annotated[
        bool, typer.Option("--renew-anon-volumes", "-V", help="New nameless volumes on recreate.")
    ] = False,
    remove_orphans: Annotated[
        bool, typer.Option("--remove-orphans", help="Remove containers of services not in the files.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail where a service cannot run on the native engine, instead of leaving it out.")
    ] = False,
    allow_version_mismatch: opt.AllowVersionMismatch = False,
    no_seed: Annotated[bool, typer.Option("--no-seed", help="Leave the schema's seeds out.")] = False,
    scale: Annotated[list[str] | None, typer.Option("--scale", help="SERVICE=N containers.")] = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", "--wait", help="Accepted for habit's sake: up always waits, and returns.", hidden=True)
    ] = False,
    timeout: opt.Timeout = 600.0,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Render, start what is not running, wait until all of it is healthy, apply the schema."""
    from devstack.cli import bringing
    from devstack.cli.session import begin
    from devstack.plan.up import UpOptions

    session = begin(
        ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine, as_json
    )
    session.strict, session.any_version = strict, allow_version_mismatch
    wanted = UpOptions(
        services=tuple(services or ()),
        no_deps=no_deps,
        force_recreate=force_recreate,
        no_recreate=no_recreate,
        renew_anonymous=renew_anon_volumes,
        remove_orphans=remove_orphans,
        scale=opt.numbers(scale, "--scale"),
        seed=not no_seed,
    )
    if plan:
        bringing.show_plan(session, wanted, opt.numbers(port, "--port"))
        return
    with session.alone(timeout=lock_timeout):
        bringing.bring(session, wanted, opt.numbers(port, "--port"), isolated=isolated, build=build, pull=pull, timeout=timeout)
