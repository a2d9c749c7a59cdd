"""A whole verify: make the twin, start it, check it, take it away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devstack import bring_up, labels, lock
from devstack.compose.model import Stack
from devstack.engine.base import Engine
from devstack.errors import DevstackError
from devstack.execute import Executor, Happened, Results
from devstack.execute.actions import Actions
from devstack.plan.down import plan_down
from devstack.plan.steps import Plan
from devstack.plan.up import UpOptions
from devstack.spec.model import Spec
from devstack.verify import twin
from devstack.verify.base import Ground, Result
from devstack.verify.registry import CHECKS


@dataclass(slots=True, kw_only=True)
class TwinRunner:
    """Brings a twin up and down through the same road as the real stack."""

    engine: Engine
    stack: Stack
    spec: Spec | None
    original: str
    observer: Callable[[Happened], None]
    timeout: float

    def up(self) -> tuple[Plan, Results]:
        observed = bring_up.look(self.engine, self.stack)
        plan = bring_up.make_plan(self.engine, self.stack, self.spec, observed, UpOptions())
        brought = bring_up.carry_out(
            self.engine,
            self.stack,
            self.spec,
            plan,
            observed,
            observer=self.observer,
            timeout=self.timeout,
            extra_labels={labels.TWIN: self.original},
        )
        return plan, brought.results

    def down(self) -> None:
        observed = bring_up.look(self.engine, self.stack)
        Executor(self.engine, self.stack, Actions(self.engine, self.stack)).run(plan_down(self.stack, observed)).raise_first()


def on_twin(
    engine: Engine,
    original: str,
    stack: Stack,
    spec: Spec | None,
    root: Path,
    *,
    observer: Callable[[Happened], None],
    on_result: Callable[[Result], None],
    timeout: float = 600.0,
) -> list[Result]:
    """Run every check on the twin `stack` of `original`; the twin is gone afterwards, whatever happens."""
    runner = TwinRunner(engine=engine, stack=stack, spec=spec, original=original, observer=observer, timeout=timeout)
    ground = Ground(engine=engine, stack=stack, spec=spec, root=root, runner=runner)
    with lock.locked(stack.name, root):
        try:
            try:
                _, ground.first = runner.up()
            except DevstackError as error:
                ground.first_error = error
            results = _check(ground, on_result)
        except BaseException:
            twin.tear_down(engine, stack.name, interrupted=True)
            raise
        twin.tear_down(engine, stack.name)
        return results


def _check(ground: Ground, on_result: Callable[[Result], None]) -> list[Result]:
    results: list[Result] = []
    for check in CHECKS.values():
        for result in check(ground):
            results.append(result)
            on_result(result)
        if ground.first_error is not None:
            break
    return results
