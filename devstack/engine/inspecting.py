"""One container, looked at closely."""

from __future__ import annotations

from devstack.engine import observing
from devstack.engine.observed import Container
from devstack.engine.wire import Wire
from devstack.errors import NotFound


def inspect(wire: Wire, container: str) -> Container:
    doing = f"inspecting container {container}"
    return wire.again(doing, lambda c: observing.inspected(c.inspect_container(container)))


def looked_up(wire: Wire, container: str) -> Container | None:
    try:
        return inspect(wire, container)
    except NotFound:
        return None
