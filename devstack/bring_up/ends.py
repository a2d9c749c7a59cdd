"""What the engine knows of the ends of containers."""

from __future__ import annotations

from dataclasses import replace

from devstack.compose.model import Condition, Stack
from devstack.engine.base import Container, Engine, Observed, State
from devstack.errors import NotFound
from devstack.plan.order import conditions


def with_ends(engine: Engine, stack: Stack, observed: Observed) -> Observed:
    """The same, where containers that ended well and whose end nothing waits for say whether they were stopped.

    Where the engine does not remember, the details of all containers are there, whose times tell it.
    """
    ended = [c for c in observed.containers if c.state is State.EXITED and c.exit_code == 0 and not c.oneoff]
    asked = [c for c in ended if Condition.COMPLETED not in conditions(stack.services, c.service)]
    known = {c.id: _with_end(engine, _detailed(engine, c)) for c in asked}
    if any(c.detail is None or c.detail.stopped is None for c in known.values()):
        known |= {c.id: _detailed(engine, c) for c in observed.containers if c.id not in known}
    return replace(observed, containers=tuple(known.get(c.id, c) for c in observed.containers))


def _detailed(engine: Engine, container: Container) -> Container:
    try:
        return replace(container, detail=engine.inspect(container.id).detail)
    except NotFound:
        return container


def _with_end(engine: Engine, container: Container) -> Container:
    if container.detail is None:
        return container
    try:
        return replace(container, detail=replace(container.detail, stopped=engine.was_stopped(container)))
    except NotFound:
        return container
