"""The flow of `verify`, and how its results are shown."""

from __future__ import annotations

import time

from devstack import bring_up
from devstack.cli import running
from devstack.cli.progress import progress
from devstack.cli.session import Session
from devstack.errors import Exit
from devstack.plan.up import UpOptions, selected
from devstack.reports.console import MARKS, lines, summary
from devstack.reports.json_format import document
from devstack.verify import twin
from devstack.verify.base import Result, Status


def prove(session: Session, *, timeout: float, lock_timeout: float) -> None:
    """Verify, show each result as it comes, and leave with 3 when one failed."""
    import typer

    from devstack.verify.run import on_twin

    begun = time.monotonic()
    running.say_engine(session)
    with session.alone(timeout=lock_timeout):
        session.prepare()
        running.say_rendered(session)
        _have_images(session)
    for name in twin.sweep(session.engine, session.stack.name):
        session.console.label("swept", f"{name}: left by a verify that was cut off")
    copy = twin.make(session.project, _port_variables(session))
    session.console.label("twin", f"{copy.name}: fresh volumes, own ports; your stack is not touched")
    with progress(session.console, quiet=True) as shown:
        results = on_twin(
            session.engine,
            session.stack.name,
            copy,
            session.project.spec,
            session.project.directory,
            observer=shown,
            on_result=lambda result: _show(session, result),
            timeout=timeout,
        )
    if not _say(session, results, time.monotonic() - begun):
        raise typer.Exit(int(Exit.VERIFY))


def _have_images(session: Session) -> None:
    """Pull and build what is missing for the real stack's name, so that the twin uses the very same images."""
    observed = session.observe()
    stack = session.stack
    names = [name for name in selected(stack, UpOptions()) if stack.image_of(stack.services[name]) not in observed.images]
    steps = bring_up.image_steps(stack, names, build=True, pull=True)
    with progress(session.console) as shown:
        bring_up.renew(session.engine, stack, steps, shown)


def _port_variables(session: Session) -> dict[str, int]:
    spec = session.project.spec
    if spec is None:
        return {}
    from devstack.render.render import render

    return {v.variable: v.target for v in render(spec, project=session.stack.name).port_variables.values()}


COLOURS = {Status.PASS: "green", Status.FAIL: "red", Status.SKIP: "yellow"}


def _show(session: Session, result: Result) -> None:
    """One result as soon as it is there."""
    if session.console.as_json:
        return
    mark = MARKS[result.status]
    first, *rest = lines(result)
    session.console.out("\n".join([first.replace(mark, session.console.paint(mark, COLOURS[result.status]), 1), *rest]))


def _say(session: Session, results: list[Result], seconds: float) -> bool:
    good = all(result.status is not Status.FAIL for result in results)
    session.console.answer({"project": session.stack.name, **document(results, seconds)}, summary(results, seconds), ok=good)
    return good
