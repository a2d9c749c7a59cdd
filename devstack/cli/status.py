"""`devstack status`: what runs now."""

from __future__ import annotations

import typer

from devstack.cli import options as opt


def status(
    ctx: typer.Context,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    as_json: opt.AsJson = False,
) -> None:
    """The services, their health and their addresses. `ps` is the same."""
    from devstack.cli import running
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    found = running.look(session)
    console = session.console
    if not as_json:
        for line in running.stand_ins(found):
            console.label("stand-in", line)
        console.answer(None, running.table(found) if found else f"{session.stack.name} has no services")
        return
    endpoint = session.engine.info.endpoint
    console.answer({"project": session.stack.name, "engine": str(endpoint), "services": running.services_json(found)})
