"""start: everything becomes healthy within the budget."""

from __future__ import annotations

from devstack.errors import describe
from devstack.execute import Results
from devstack.plan.steps import Await, Start
from devstack.verify.base import Ground, Result, failed, passed


def check(ground: Ground) -> list[Result]:
    """The first start of the twin: fresh volumes, images already there."""
    budget = ground.spec.verify.startup if ground.spec else 60.0
    title = f"cold start within {budget:g} s"
    expected = f"every service healthy within {budget:g} s"
    if ground.first_error is not None:
        lines = tuple(describe(ground.first_error))
        return [failed("start", title, expected=expected, saw=ground.first_error.message, evidence=lines)]
    assert ground.first is not None
    seconds = _without_images(ground.first)
    path = " → ".join(critical_path(ground.first))
    saw = f"all healthy after {seconds:.1f} s; critical path {path}"
    if seconds > budget:
        return [failed("start", title, expected=expected, saw=saw, evidence=_timings(ground.first), seconds=seconds)]
    return [passed("start", title, expected=expected, saw=saw, seconds=seconds)]


def _without_images(results: Results) -> float:
    """Seconds from the first container's creation: pulling and building is not starting."""
    begun = [o.begun for key, o in results.outcomes.items() if key.startswith(("create:", "network:", "volume:"))]
    return results.seconds - min(begun, default=0.0)


def critical_path(results: Results) -> list[str]:
    """The chain of services that made the start last as long as it did, first one first."""
    waits = {o.step.service.name: o for o in results.outcomes.values() if isinstance(o.step, Await)}
    starts = {o.step.service.name: o for o in results.outcomes.values() if isinstance(o.step, Start)}
    if not waits:
        return []
    path = [max(waits, key=lambda name: waits[name].ended)]
    while True:
        step = starts[path[0]].step if path[0] in starts else None
        before = {d.service for d in step.service.depends_on} & waits.keys() if isinstance(step, Start) else set()
        if not before:
            return path
        path.insert(0, max(before, key=lambda name: waits[name].ended))


def _timings(results: Results) -> tuple[str, ...]:
    return tuple(f"{o.step.service.name}: {o.ended:.1f} s" for o in results.outcomes.values() if isinstance(o.step, Await))
