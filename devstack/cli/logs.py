"""`devstack logs`: what the services wrote, merged by time."""

from __future__ import annotations

from typing import Annotated

import typer

from devstack.cli import options as opt


def logs(
    ctx: typer.Context,
    services: opt.Services = None,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they write.")] = False,
    tail: Annotated[str, typer.Option("--tail", "-n", help="Last lines of each container; all.")] = "all",
    since: Annotated[str, typer.Option("--since", help="From then on: 10m, 2h30m, or an ISO time.")] = "",
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="Show when each line was written.")] = False,
    no_prefix: Annotated[bool, typer.Option("--no-prefix", help="Lines as they are, without the service's name.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """Show the logs of all services, or of the named ones. Known secrets are masked. (-f follows; a file is named with --file.)"""
    from devstack import log_view
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, services, directory=project_directory), engine)
    for name in services or ():
        session.service(name)
    wanted = log_view.Wanted(
        services=tuple(services or ()),
        follow=follow,
        tail=log_view.tail_of(tail),
        since=log_view.moment(since),
        timestamps=timestamps,
    )
    style = log_view.Style(prefix=not no_prefix, timestamps=timestamps, as_json=as_json)
    for entry in log_view.entries(session.engine, session.stack.name, session.observe(), wanted):
        session.console.out(log_view.shown(entry, style, session.console.paint_service))
