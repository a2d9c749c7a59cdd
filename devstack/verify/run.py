"""A whole verify: bring the stack under test up, run the checks, take it away."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from devstack import __version__, bring_up, lock
from devstack.compose.model import EMPTY, Stack, Strings
from devstack.engine.base import Engine
from devstack.errors import DevstackError
from devstack.execute import Executor, Happened, Results
from devstack.execute.actions import Actions
from devstack.plan.down import plan_down
from devstack.plan.steps import Plan
from devstack.plan.up import UpOptions
from devstack.spec.model import Spec
from devstack.verify import criteria, twin
from devstack.verify.base import Check, Ground, Phase, Topic
from devstack.verify.model import Mode, Report, Result
from devstack.verify.seen import services_seen
from devstack.verify.selection import Chosen
from devstack.verify.startup import graph_of, startup_of

OnResult = Callable[[Result], None]
WIDTH = 6
"""Checks of a live run that are made at once."""


@dataclass(slots=True, kw_only=True)
class StackRunner:
    """Brings a stack up and down through the same road as `up` and `down`. `labels` are put on all that it makes; of one that is
    thrown away no volume without a name stays."""

    engine: Engine
    stack: Stack
    spec: Spec | None
    labels: Strings
    observer: Callable[[Happened], None]
    deadline: float
    throwaway: bool

    def up(self, services: tuple[str, ...] = ()) -> tuple[Plan, Results]:
        observed = bring_up.look(self.engine, self.stack)
        plan = bring_up.make_plan(self.engine, self.stack, self.spec, observed, UpOptions(services=services))
        brought = bring_up.carry_out(
            self.engine,
            self.stack,
            self.spec,
            plan,
            observed,
            observer=self.observer,
            timeout=max(1.0, self.deadline - time.monotonic()),
            extra_labels=self.labels,
        )
        return plan, brought.results

    def down(self) -> None:
        observed = bring_up.look(self.engine, self.stack)
        plan = plan_down(self.stack, observed, nameless=self.throwaway)
        Executor(self.engine, self.stack, Actions(self.engine, self.stack)).run(plan).raise_first()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a verify is to run. `timeout` in seconds for the whole of it."""

    chosen: Chosen
    fail_fast: bool = False
    timeout: float = 600.0
    observer: Callable[[Happened], None] = lambda happened: None
    on_result: OnResult = lambda result: None


def on_twin(ground: Ground, wish: Wish) -> Report:
    """Every check on the twin of `ground`; the twin is gone afterwards, whatever happens."""
    engine, stack = ground.engine, ground.stack
    with lock.locked(stack.name, ground.root):
        twin.announce(stack.name)
        ground.runner = _runner(ground, wish, twin.labels_of(ground.declared.name))
        try:
            report = _run(ground, wish)
        except BaseException:
            twin.tear_down(engine, stack.name, interrupted=True)
            raise
        twin.tear_down(engine, stack.name)
    twin.forget(stack.name)
    return report


def in_place(ground: Ground, wish: Wish) -> Report:
    """Every check on the stack itself. The caller holds the project, and has looked whose data is there."""
    ground.runner = _runner(ground, wish, EMPTY)
    return _run(ground, wish)


def live(ground: Ground, wish: Wish) -> Report:
    """The checks that disturb nothing, on the running stack."""
    return _run(ground, wish)


def _runner(ground: Ground, wish: Wish, extra: Strings) -> StackRunner:
    return StackRunner(
        engine=ground.engine,
        stack=ground.stack,
        spec=ground.spec,
        labels=extra,
        observer=wish.observer,
        deadline=time.monotonic() + wish.timeout,
        throwaway=ground.mode is Mode.TWIN,
    )


class _Enough(Exception):
    """A failure with --fail-fast, or no time left."""


def _run(ground: Ground, wish: Wish) -> Report:
    begun, began = time.monotonic(), time.time()
    ground.deadline = begun + wish.timeout
    with contextlib.suppress(_Enough):
        _phases(ground, wish)
    judged = criteria.judge(wish.chosen.criteria, ground.results)
    info = ground.engine.info
    return Report(
        project=ground.declared.name,
        subject=ground.stack.name,
        mode=ground.mode,
        engine=f"{info.name} {info.version}",
        version=__version__,
        begun=began,
        seconds=time.monotonic() - begun,
        results=tuple(ground.results),
        criteria=judged,
        startup=ground.startup,
        graph=graph_of(ground.stack),
        services=ground.services,
    )


def _phases(ground: Ground, wish: Wish) -> None:
    chosen = wish.chosen
    _checks(ground, wish, Phase.STATIC)
    if chosen.needs_stack and ground.first_error is None and ground.mode is not Mode.LIVE:
        _start(ground)
    _checks(ground, wish, Phase.START)
    if ground.first_error is not None and chosen.needs_stack:
        ground.services = services_seen(ground)
        if not any(check.id == "start.cold" for check in chosen.checks):
            topic = Topic(check="start.cold", title="the stack starts", expected="every service healthy")
            _take(ground, wish, [topic.error(ground.first_error)])
        return
    if chosen.needs_stack:
        ground.settle()
    _take(ground, wish, criteria.own_checks(ground, chosen.own, late=False))
    _take(ground, wish, criteria.probes(ground, chosen.criteria, late=False))
    _checks(ground, wish, Phase.QUIET)
    if chosen.needs_stack:
        ground.services = services_seen(ground)
    _checks(ground, wish, Phase.ROUGH)
    _checks(ground, wish, Phase.LAST)
    _take(ground, wish, criteria.own_checks(ground, chosen.own, late=True))
    _take(ground, wish, criteria.probes(ground, chosen.criteria, late=True))


def _start(ground: Ground) -> None:
    assert ground.runner is not None
    try:
        _, ground.first = ground.runner.up()
    except DevstackError as error:
        ground.first_error = error
    else:
        ground.startup = startup_of(ground.first, ground.limits.startup) if ground.first.outcomes else None
    ground.first_at = time.time()


def _checks(ground: Ground, wish: Wish, phase: Phase) -> None:
    checks = [check for check in wish.chosen.checks if check.phase is phase]
    if ground.mode is not Mode.LIVE:
        for check in checks:
            _take(ground, wish, _made(ground, check))
        return
    # What only looks does not get in its own way: side by side, and told in order.
    with ThreadPoolExecutor(max_workers=WIDTH) as pool:
        for results in pool.map(lambda check: list(_made(ground, check)), checks):
            _take(ground, wish, results)


def _made(ground: Ground, check: Check) -> Iterator[Result]:
    """The results of one check. What it did not expect is a finding too: the engine went away, a container vanished under it."""
    try:
        yield from check.run(ground)
    except DevstackError as error:
        yield Topic(check=check.id, title=check.title, expected="the check can be made").error(error)


def _take(ground: Ground, wish: Wish, results: Iterable[Result]) -> None:
    """Keep results as they come; stop where it is enough."""
    for result in results:
        known = {other.id for other in ground.results}
        number = next(n for n in range(1, len(known) + 2) if (f"{result.id}.{n}" if n > 1 else result.id) not in known)
        result = replace(result, id=f"{result.id}.{number}") if number > 1 else result
        ground.results.append(result)
        wish.on_result(result)
        if wish.fail_fast and result.fails:
            raise _Enough
    if time.monotonic() > ground.deadline:
        topic = Topic(check="time", title=f"all checks are done within {wish.timeout:g} s", expected="an end")
        late = topic.failed("the rest was not checked", fix=["--timeout SECONDS gives more time"])
        ground.results.append(late)
        wish.on_result(late)
        raise _Enough
