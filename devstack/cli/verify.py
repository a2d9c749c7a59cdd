"""`devstack verify`: prove that the environment works."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devstack.cli import options as opt


def complete_check(incomplete: str) -> list[str]:
    """Names of checks for shell completion, from the files of the current folder; nothing when they cannot be read."""
    from devstack.errors import DevstackError
    from devstack.project import Selection, read
    from devstack.spec.model import VerifySpec
    from devstack.verify.selection import names_of

    try:
        spec = read(Selection()).spec
    except DevstackError:
        return []
    return [name for name in names_of(spec.verify if spec else VerifySpec()) if name.startswith(incomplete)]


def verify(
    ctx: typer.Context,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    live: Annotated[bool, typer.Option("--live", help="Only what disturbs nothing, on the running stack.")] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Everything on the stack itself and its declared ports, for a fresh machine.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", help="Only this check, part of one, own check or criterion (repeatable).", autocompletion=complete_check
        ),
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", help="Not this one (repeatable).", autocompletion=complete_check)
    ] = None,
    list_checks: Annotated[bool, typer.Option("--list", help="Say which checks there are, and what criteria may ask for.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = False,
    repeat: Annotated[int, typer.Option("--repeat", min=1, max=1000, help="Do it N times, to find what fails only sometimes.")] = 1,
    report: Annotated[
        list[str] | None,
        typer.Option(
            "--report", help="FORMAT=PATH (repeatable): json, junit, markdown, html, console; github.", show_default=False
        ),
    ] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="On failure pack the evidence into this zip file.")] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Say what was slower than in the last runs.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of the json report.")] = False,
    yes: opt.Yes = False,
    engine: opt.EngineName = None,
    timeout: opt.Timeout = 600.0,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Prove that the environment works: start a disposable twin of it, check it, take it away. Your running stack is not touched."""
    from devstack.cli import proving, reporting
    from devstack.cli.session import begin

    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    if schema:
        import json

        from devstack.reports.schema import json_schema

        session.console.raw(json.dumps(json_schema(), indent=2))
        return
    if list_checks:
        proving.show_list(session)
        return
    wanted = proving.Wanted(
        mode=proving.mode_of(live=live, in_place=in_place),
        only=tuple(only or ()),
        skip=tuple(skip or ()),
        fail_fast=fail_fast,
        repeat=repeat,
        yes=yes,
        timeout=timeout,
        lock_timeout=lock_timeout,
        telling=reporting.telling(report or (), bundle, compare=compare),
    )
    proving.prove(session, wanted)
