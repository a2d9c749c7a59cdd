"""The flow of `verify`, and how its results are shown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devstack import bring_up, lock, project
from devstack.cli import reporting, running
from devstack.cli.console import columns
from devstack.cli.progress import progress
from devstack.cli.reporting import Telling
from devstack.cli.session import NATIVE, Session
from devstack.compose.model import Json, Stack
from devstack.engine.base import Observed
from devstack.errors import DevstackError, EngineError, Exit, Interrupted, Refused, UsageError
from devstack.labels import CACHE
from devstack.plan.up import UpOptions, selected
from devstack.reports.console import closing, lines, mark
from devstack.reports.history import Slower
from devstack.spec.model import VerifySpec
from devstack.spec.probes import PROBES
from devstack.verify import copies, markers, run, twin
from devstack.verify.base import Ground
from devstack.verify.model import Mode, Report, Result, Severity, Status
from devstack.verify.registry import CHECKS
from devstack.verify.repeat import together
from devstack.verify.selection import Chosen, choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asks of a verify."""

    mode: Mode = Mode.TWIN
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    fail_fast: bool = False
    repeat: int = 1
    yes: bool = False
    timeout: float = 600.0
    lock_timeout: float = 600.0
    telling: Telling = field(default_factory=Telling)


_AS_IT_IS = {
    Mode.TWIN: "the twin is taken away, and your stack is as it was",
    Mode.LIVE: "nothing was changed",
    Mode.IN_PLACE: "what was started stays; run the command again, or devstack down",
}
"""What an interrupted verify leaves."""


def mode_of(*, live: bool, in_place: bool) -> Mode:
    """Where it is to run. Raises `UsageError` for both at once."""
    if live and in_place:
        raise UsageError("--live and --in-place exclude each other", hints=["--live looks, --in-place stops and starts"])
    return Mode.LIVE if live else Mode.IN_PLACE if in_place else Mode.TWIN


def prove(session: Session, wanted: Wanted) -> None:
    """Verify, show each result as it comes, and leave with 3 when one failed. Interrupted between runs, it reports those that were done."""
    import typer

    reports: list[Report] = []
    cut: Interrupted | None = None
    try:
        with reporting.guarded(session, wanted.telling):
            try:
                for done in _runs(session, wanted):
                    reports.append(done)
            except KeyboardInterrupt:
                cut = _interrupted(wanted, len(reports))
                if not reports:
                    raise cut from None
            report, slower = reporting.remember(session, reports, together(reports))
            _say(session, report, slower if wanted.telling.compare else None, whole=cut is None)
    except Interrupted:
        raise
    except DevstackError as error:
        reporting.write(session, wanted.telling, reporting.of_error(session, wanted.mode, error))
        raise
    reporting.keep_page(session, report)
    reporting.write(session, wanted.telling, report)
    if cut is not None:
        raise cut
    if not report.ok:
        raise typer.Exit(int(Exit.VERIFY))


def _interrupted(wanted: Wanted, done: int) -> Interrupted:
    runs = [("runs", f"{done} of {wanted.repeat} were done, and are in the report")] if done else []
    return Interrupted("interrupted", details=runs, hints=[_AS_IT_IS[wanted.mode]])


def _runs(session: Session, wanted: Wanted) -> Iterator[Report]:
    """A report of each run, as soon as it is made."""
    running.say_engine(session)
    with session.alone(timeout=wanted.lock_timeout):
        _prepare(session)
        running.say_rendered(session)
        chosen = choose(_limits(session), wanted.mode, wanted.only, wanted.skip)
        trouble = _have_images(session) if chosen.needs_stack and wanted.mode is not Mode.LIVE else None
    for name in twin.sweep(session.engine, session.stack.name):
        session.console.label("swept", f"{name}: left by a verify that was cut off")
    for number in range(1, wanted.repeat + 1):
        if wanted.repeat > 1:
            session.console.label("run", f"{number} of {wanted.repeat}")
        report = _once(session, wanted, chosen, trouble)
        yield report
        if wanted.fail_fast and not report.ok:
            return


def _prepare(session: Session) -> None:
    """What would run, from the files as they are: verify writes none, so that it can say which are not up to date.

    A checkout that has never been rendered is rendered first, as `up` would.
    """
    spec, _ = project.locate(session.selection, Path.cwd(), os.environ)
    rendered = spec is not None and spec.render.env.exists() and (bool(spec.compose) or spec.render.compose.exists())
    session.prepare(write=spec is not None and not rendered)


def _limits(session: Session) -> VerifySpec:
    spec = session.project.spec
    return spec.verify if spec else VerifySpec()


def _once(session: Session, wanted: Wanted, chosen: Chosen, trouble: DevstackError | None) -> Report:
    quiet = wanted.repeat > 1
    with progress(session.console, quiet=True) as shown:
        wish = run.Wish(
            chosen=chosen,
            fail_fast=wanted.fail_fast,
            timeout=wanted.timeout,
            observer=shown,
            on_result=lambda result: None if quiet and result.status is not Status.FAIL else _show(session, result),
        )
        if wanted.mode is Mode.TWIN:
            return _on_twin(session, wish, trouble)
        return _live(session, wish) if wanted.mode is Mode.LIVE else _in_place(session, wish, wanted, trouble)


def _on_twin(session: Session, wish: run.Wish, trouble: DevstackError | None) -> Report:
    name = twin.new_name(session.stack.name)
    edits = _limits(session).reload if any(check.name == "reload" for check in wish.chosen.checks) else ()
    with lock.locked(name, session.stack.directory):
        twin.announce(name)
        imageless = session.engine.info.name == NATIVE
        copied = copies.make(session.stack, edits, session.project.directory, name, imageless=imageless)
    stack = twin.make(session.project, name, _port_variables(session), copied)
    if wish.chosen.needs_stack:
        session.console.label("twin", f"{name}: fresh volumes, own ports; your stack is not touched")
    there = session.observe()
    ground = Ground(
        engine=session.engine,
        project=session.project,
        stack=stack,
        mode=Mode.TWIN,
        running=there if any(container.running for container in there.containers) else None,
        copies=copied,
        first_error=trouble,
    )
    return run.on_twin(ground, wish)


def _live(session: Session, wish: run.Wish) -> Report:
    observed = session.observe()
    if not any(container.running for container in observed.containers):
        raise DevstackError(
            f"{session.stack.name} does not run, so there is nothing to look at",
            hints=["devstack up", "devstack verify   (on a twin of its own)"],
            code="not-running",
        )
    session.console.label("live", f"{session.stack.name} as it runs; nothing is started, stopped or written")
    return run.live(Ground(engine=session.engine, project=session.project, stack=session.stack, mode=Mode.LIVE), wish)


def _in_place(session: Session, wish: run.Wish, wanted: Wanted, trouble: DevstackError | None) -> Report:
    with session.locked(timeout=wanted.lock_timeout):
        observed = session.observe()
        held = _data(session.stack, observed)
        if held and not wanted.yes:
            raise Refused(
                f"{session.stack.name} has data that verify did not make",
                details=[("volumes", ", ".join(held))],
                hints=[
                    "devstack verify   (on a twin; your data is not touched)",
                    "devstack verify --in-place --yes   (services are killed and made again; your data is kept)",
                ],
            )
        session.console.label("in place", f"{session.stack.name} on its declared ports" + ("; your data is kept" if held else ""))
        ground = Ground(engine=session.engine, project=session.project, stack=session.stack, mode=Mode.IN_PLACE, owns_data=not held)
        try:
            report = run.in_place(ground, wish)
        finally:
            _leave(ground, observed)
        return report


def _leave(ground: Ground, before: Observed) -> None:
    """As it was found: up where it was up, with its own data and without markers in it; else nothing of it."""
    runner = ground.runner
    assert runner is not None
    if before.containers or not ground.owns_data:
        runner.up()
        for marker in markers.of(ground):
            markers.erase(ground, marker)
    if not before.containers:
        runner.down()
    if ground.owns_data:
        twin.remove_volumes(ground.engine, ground.stack, keep=frozenset(before.volumes))


def _data(stack: Stack, observed: Observed) -> list[str]:
    """The volumes of the stack that exist already and hold data."""
    return sorted(
        volume.name
        for volume in stack.volumes.values()
        if not volume.external and CACHE not in volume.labels and volume.name in observed.volumes
    )


def _have_images(session: Session) -> DevstackError | None:
    """Pull and build what is missing for the real stack's name, so that the twin uses the very same images.

    What cannot be had keeps the stack from starting, and is told as that.
    """
    observed = session.observe()
    stack = session.stack
    names = [name for name in selected(stack, UpOptions()) if stack.image_of(stack.services[name]) not in observed.images]
    steps = bring_up.image_steps(stack, names, build=True, pull=True)
    try:
        with progress(session.console) as shown:
            bring_up.renew(session.engine, stack, steps, shown)
    except EngineError:
        raise
    except DevstackError as error:
        return error
    return None


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
    sign = mark(result)
    colour = "yellow" if result.status is Status.FAIL and result.severity is not Severity.ERROR else COLOURS[result.status]
    first, *rest = lines(result)
    session.console.out("\n".join([first.replace(sign, session.console.paint(sign, colour), 1), *rest]))


def _say(session: Session, report: Report, slower: Sequence[Slower] | None, *, whole: bool) -> None:
    data, lines = report.as_json(), closing(report)
    if slower is not None:
        data["slower"] = [item.as_json() for item in slower]
        lines = ["", *reporting.comparison(slower, report), *lines]
    session.console.answer(data, "\n".join(lines), ok=report.ok and whole)


def show_list(session: Session) -> None:
    """`--list`: the checks, the project's own, the criteria, and the kinds of probes with their parameters."""
    session.prepare(write=False, offline=True)
    limits = _limits(session)
    rows = [[check.id, check.title, "live too" if check.live else ""] for check in CHECKS]
    rows += [[own.id, own.title or own.check, ""] for own in limits.checks]
    text = ["checks (--only, --skip; a criterion may rest on one of them):", columns(rows)]
    if limits.criteria:
        rested = [[c.id, c.text, ", ".join(probe.check for probe in c.probes)] for c in limits.criteria]
        text += ["", "criteria:", columns(rested)]
    kinds = [[kind.name, ", ".join(o.name + ("*" if o.required else "") for o in kind.options)] for kind in PROBES.values()]
    text += ["", "kinds of probes for verify: criteria: and checks: (* must be given):"]
    for (name, parameters), kind in zip(kinds, PROBES.values(), strict=True):
        text += [f"  {name:<12} {kind.summary}", f"  {'':<12} {parameters}", f"  {'':<12} {kind.example}"]
    data: dict[str, Json] = {
        "checks": [{"id": check.id, "title": check.title, "live": check.live} for check in CHECKS],
        "own": [own.id for own in limits.checks],
        "criteria": [{"id": c.id, "text": c.text, "checks": [probe.check for probe in c.probes]} for c in limits.criteria],
        "probes": [
            {
                "name": kind.name,
                "summary": kind.summary,
                "parameters": [{"name": o.name, "type": o.type, "help": o.help, "required": o.required} for o in kind.options],
                "example": kind.example,
            }
            for kind in PROBES.values()
        ],
    }
    session.console.answer(data, "\n".join(text))
