"""How a start went: when each service was created, started and ready, and which chain of them made it last as long as it did."""

from __future__ import annotations

from devstack.compose.model import Stack
from devstack.execute import Results
from devstack.execute.results import Outcome
from devstack.plan.steps import Await, Create, Start
from devstack.verify.model import Edge, Startup, Timing


def startup_of(results: Results, budget: float) -> Startup:
    """The start as data; pulling and building is not starting, so time counts from the first thing that was made."""
    made = [o.begun for key, o in results.outcomes.items() if key.startswith(("create:", "network:", "volume:"))]
    zero = min(made, default=0.0)
    done = [o for o in results.outcomes.values() if o.error is None]
    created = _by_service([o for o in done if isinstance(o.step, Create)])
    started = _by_service([o for o in done if isinstance(o.step, Start)])
    ready = _by_service([o for o in done if isinstance(o.step, Await)])
    needs = {o.step.service.name: o.step.service.depends_on for o in results.outcomes.values() if isinstance(o.step, Start)}
    names = sorted({*created, *started, *ready}, key=lambda name: (started.get(name, 1e9), name))
    timings = tuple(
        Timing(
            service=name,
            created=_since(created.get(name), zero),
            started=_since(started.get(name), zero),
            healthy=_since(ready.get(name), zero),
            after=tuple(d.service for d in needs.get(name, ()) if d.service in ready),
        )
        for name in names
    )
    return Startup(seconds=results.seconds - zero, budget=budget, services=timings, critical_path=_critical_path(timings))


def _by_service(outcomes: list[Outcome]) -> dict[str, float]:
    found: dict[str, float] = {}
    for outcome in outcomes:
        step = outcome.step
        if isinstance(step, Create | Start | Await):
            found[step.service.name] = max(found.get(step.service.name, 0.0), outcome.ended)
    return found


def _since(moment: float | None, zero: float) -> float | None:
    return None if moment is None else max(0.0, moment - zero)


def _critical_path(timings: tuple[Timing, ...]) -> tuple[str, ...]:
    """The chain of services that made the start last as long as it did, the first one first."""
    ready = {timing.service: timing for timing in timings if timing.healthy is not None}
    if not ready:
        return ()
    path = [max(ready, key=lambda name: ready[name].healthy or 0.0)]
    while before := [name for name in ready[path[0]].after if name in ready and name not in path]:
        path.insert(0, max(before, key=lambda name: ready[name].healthy or 0.0))
    return tuple(path)


def graph_of(stack: Stack) -> tuple[Edge, ...]:
    """Who depends on whom."""
    return tuple(
        Edge(service.name, dependency.service, str(dependency.condition))
        for service in stack.services.values()
        for dependency in service.depends_on
    )
