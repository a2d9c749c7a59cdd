"""What commands that change a stack share: the engine's line, the table at the end, a plan carried out in view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.cli.console import columns
from devstack.cli.session import NATIVE, Session
from devstack.compose.model import EMPTY, Json, Strings
from devstack.status import Row, rows
from devstack.words import counted

if TYPE_CHECKING:
    # `status` shows and carries out nothing: planning and executing are imported where something is carried out.
    from devstack.engine.base import Observed
    from devstack.execute import Results
    from devstack.plan.steps import Plan


def say_engine(session: Session) -> None:
    """Which engine this is about, and how it was found."""
    info = session.engine.info
    session.console.label("engine", f"{info.name} {info.version} at {info.endpoint}")
    if info.name == NATIVE:
        session.console.label(
            "native", "services are processes of this machine, not containers; devstack doctor says how they differ"
        )


def say_rendered(session: Session) -> None:
    """Which files were written."""
    project = session.project
    if project.written:
        secrets = f" ({counted(project.new_secrets, 'new secret')})" if project.new_secrets else ""
        session.console.label("render", ", ".join(project.written) + secrets)
    for note in (*project.notes, *session.stack.notes):
        session.console.label("note", note)


def carry_out(session: Session, plan: Plan, observed: Observed, *, timeout: float, extra_labels: Strings = EMPTY) -> Results:
    """Execute a plan of `up` in view of the user."""
    from devstack import bring_up
    from devstack.cli.progress import progress

    with progress(session.console) as shown:
        brought = bring_up.carry_out(
            session.engine,
            session.stack,
            session.project.spec,
            plan,
            observed,
            observer=shown,
            timeout=timeout,
            extra_labels=extra_labels,
        )
    swept = bring_up.sweep(session.engine, session.stack, plan)
    if swept:
        session.console.label("images", f"{counted(swept, 'image')} removed that a build has replaced")
    return brought.results


def execute(session: Session, plan: Plan, *, timeout: float = 120.0, quiet: bool = False) -> Results:
    """Execute a plan of `down` or `stop` in view of the user."""
    from devstack.cli.progress import progress
    from devstack.execute import Executor
    from devstack.execute.actions import Actions

    with progress(session.console, quiet=quiet) as shown:
        actions = Actions(session.engine, session.stack)
        results = Executor(session.engine, session.stack, actions, observer=shown, timeout=timeout).run(plan)
    results.raise_first()
    return results


def ready_seconds(results: Results) -> dict[str, float]:
    """Seconds from the plan's start until each service was as it should be."""
    from devstack.plan.steps import Await

    ready: dict[str, float] = {}
    for outcome in results.outcomes.values():
        if isinstance(outcome.step, Await):
            name = outcome.step.service.name
            ready[name] = max(ready.get(name, 0.0), outcome.ended)
    return ready


def build_seconds(results: Results) -> float:
    """Seconds spent building, from the first build's start to the last one's end."""
    from devstack.plan.steps import Build

    builds = [outcome for outcome in results.outcomes.values() if isinstance(outcome.step, Build)]
    return max((b.ended for b in builds), default=0.0) - min((b.begun for b in builds), default=0.0)


def table(found: tuple[Row, ...]) -> str:
    """The services as a table for people."""
    timed = any(row.seconds is not None for row in found)
    header = ["service", "state", "address", *(["ready"] if timed else [])]
    lines = [
        [
            row.service,
            row.state,
            ", ".join(row.addresses),
            *([f"{row.seconds:.1f} s" if row.seconds is not None else ""] if timed else []),
        ]
        for row in found
    ]
    return columns(lines, header=header)


def stand_ins(found: tuple[Row, ...]) -> list[str]:
    """One line for each kind of image that is not what its name says."""
    services: dict[str, list[str]] = {}
    for row in found:
        if row.stand_in:
            services.setdefault(row.stand_in, []).append(row.service)
    return [f"{', '.join(names)}: {text}" for text, names in services.items()]


def look(session: Session) -> tuple[Row, ...]:
    """The stack's rows as they are now."""
    stack = session.stack  # what is wrong in the files is told before the engine is asked for
    observed = session.observe()
    if not session.engine.info.fast_health:
        from devstack.execute.asking import asked

        observed = asked(session.engine, stack, observed)
    return rows(stack, observed)


def services_json(found: tuple[Row, ...]) -> Json:
    """The rows as data."""
    return [row.as_json() for row in found]
