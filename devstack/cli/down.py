"""`devstack down`: remove containers and networks; data stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from devstack.cli import options as opt

if TYPE_CHECKING:
    from devstack.compose.model import Json


def down(
    ctx: typer.Context,
    file: opt.File = None,
    project_name: opt.ProjectName = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
    project_directory: opt.ProjectDirectory = None,
    engine: opt.EngineName = None,
    fast: Annotated[bool, typer.Option("--fast", help="Kill what has not stopped after one second.")] = False,
    timeout: Annotated[float | None, typer.Option("--timeout", "-t", help="Seconds a container gets to stop.")] = None,
    remove_orphans: Annotated[
        bool, typer.Option("--remove-orphans", help="Accepted for habit's sake: down always does.", hidden=True)
    ] = False,
    volumes: Annotated[bool, typer.Option("--volumes", "-v", hidden=True)] = False,
    lock_timeout: opt.LockTimeout = 600.0,
    as_json: opt.AsJson = False,
) -> None:
    """Stop and remove the containers and networks. Volumes stay, always; `reset` is for data."""
    from devstack.cli import data, running
    from devstack.cli.session import begin
    from devstack.errors import UsageError
    from devstack.plan.down import nameless, naming, plan_down

    if volumes:
        raise UsageError(
            "down removes no volume, whatever it is told",
            hints=["devstack reset --hard   (new, empty volumes; devstack undo brings the old ones back)", "devstack down"],
        )
    session = begin(ctx, opt.selection(file, project_name, profile, env_file, directory=project_directory), engine, as_json)
    session.allow_without_files()
    with session.alone(timeout=lock_timeout), session.locked(timeout=lock_timeout):
        observed = session.observe()
        plan = plan_down(session.stack, observed, grace=1.0 if fast else timeout)
        results = running.execute(session, plan)
        if session.stack.files:
            data.finish(session)
    unnamed = nameless(observed)
    left = [f"{service}:{target}" for service, target in unnamed]
    if unnamed:
        what, new = ("a volume", "a new one") if len(left) == 1 else ("volumes", "new ones")
        keep = naming(*unnamed[0])
        session.console.label(
            "note", f"{', '.join(left)}: {what} without a name, and the next `up` begins with {new}; to keep what is in it: {keep}"
        )
    removed = [step.key for step in plan.changes]
    text = (
        f"down in {results.seconds:.1f} s; the data of {session.stack.name} is kept" if removed else "nothing to do: nothing runs"
    )
    answer: dict[str, Json] = {"project": session.stack.name, "steps": list(removed), "seconds": round(results.seconds, 3)}
    session.console.answer({**answer, "nameless_volumes": list(left)}, text)
