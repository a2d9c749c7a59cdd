"""start: everything becomes healthy within the budget, and a second `up` finds nothing to do."""

from __future__ import annotations

from collections.abc import Iterator

from devstack.errors import DevstackError, describe
from devstack.verify.base import Ground, Topic
from devstack.verify.model import Result, Severity
from devstack.words import counted


def cold(ground: Ground) -> Iterator[Result]:
    """The first start: fresh volumes, images already there."""
    budget = ground.limits.startup
    topic = Topic(
        check="start.cold", title=f"cold start within {budget:g} s", expected=f"every service healthy within {budget:g} s"
    )
    if ground.first_error is not None:
        error = ground.first_error
        yield topic.failed(error.message, evidence=describe(error)[1:], fix=error.hints, where=error.where)
        return
    startup = ground.startup
    if startup is None:
        yield topic.skipped("it was running already")
        return
    lines = [f"{t.service}: ready after {t.healthy:.1f} s" for t in startup.services if t.healthy is not None]
    saw = f"all healthy after {startup.seconds:.1f} s; critical path {' → '.join(startup.critical_path)}"
    if startup.seconds > budget:
        slow = startup.critical_path[-1] if startup.critical_path else ""
        yield topic.failed(saw, evidence=lines, fix=[f"devstack logs {slow}", f"verify: {{startup: {startup.seconds * 1.5:.0f}s}}"])
    else:
        yield topic.passed(saw, evidence=lines)


def again(ground: Ground) -> Iterator[Result]:
    """What runs is what the files say: another `up` has no step."""
    from devstack import bring_up
    from devstack.plan.up import UpOptions

    live = ground.runner is None
    topic = Topic(
        check="start.again",
        title="what runs is what the files say" if live else "a second up changes nothing",
        expected="an empty plan",
        severity=Severity.WARNING if live else Severity.ERROR,
    )
    try:
        plan = bring_up.make_plan(ground.engine, ground.stack, ground.spec, ground.look(), UpOptions())
    except DevstackError as error:
        yield topic.error(error)
        return
    if plan.changes:
        steps = [f"{step}   {step.reason}" for step in plan.changes]
        yield topic.failed(counted(len(steps), "step"), evidence=steps, fix=["devstack up --plan says why", "devstack up"])
    else:
        yield topic.passed("nothing to do")
