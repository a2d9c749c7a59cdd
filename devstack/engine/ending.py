"""How containers end and go; one that has stopped or is gone already is fine."""

from __future__ import annotations

import math
import time

from devstack.engine import observing
from devstack.engine.base import STOP_GRACE
from devstack.engine.inspecting import looked_up
from devstack.engine.wire import Params, Wire
from devstack.errors import Conflict, EngineError, EngineSilent, NotFound


def stop(wire: Wire, container: str, timeout: float | None) -> None:
    """None: the container's own grace period. The engine answers when it has stopped."""
    doing, path = f"stopping container {container}", f"/containers/{container}/stop"
    params: Params = {} if timeout is None else {"t": math.ceil(timeout)}
    try:
        try:
            wire.post(doing, path, params=params, timeout=wire.timeout + (STOP_GRACE if timeout is None else timeout))
        except EngineSilent:
            # Asked only of one that does not stop: nearly none has a longer grace, and it costs a request for each.
            own = None if timeout is not None else wire.again(doing, lambda c: observing.grace(c.inspect_container(container)))
            if own is None or own <= STOP_GRACE:
                raise
            wire.post(doing, path, timeout=wire.timeout + own)
    except NotFound:
        return


def remove(wire: Wire, container: str, *, anonymous_volumes: bool) -> None:
    """By force; one that is gone, or on its way out, is fine."""
    doing = f"removing container {container}"
    try:
        wire.again(doing, lambda c: c.remove_container(container, v=anonymous_volumes, force=True))
    except NotFound:
        return
    except Conflict as error:
        if "already in progress" not in error.message:
            raise
        _await_gone(wire, container)


def _await_gone(wire: Wire, container: str) -> None:
    deadline = time.monotonic() + wire.timeout
    while looked_up(wire, container) is not None:
        if time.monotonic() > deadline:
            raise EngineError(f"container {container} is being removed and does not go away")
        time.sleep(0.05)
