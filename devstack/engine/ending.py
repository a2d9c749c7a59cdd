"""How containers end and go; one that has stopped or is gone already is fine."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from devstack import labels
from devstack.engine import observing
from devstack.engine.base import STOP_GRACE, Container, Event
from devstack.engine.inspecting import inspect, looked_up
from devstack.engine.translate import translated
from devstack.engine.wire import Params, Wire
from devstack.errors import Conflict, EngineError, EngineSilent, NotFound

RECENT = 60.0
"""Seconds that are looked back for a stop that may be under way; nearly none has a longer grace, and engines forget."""
KILLING = 2.0
"""Seconds an engine takes at most to kill what did not stop in its grace."""
RELOADS = {"1", "10", "12"}
"""HUP, USR1 and USR2: what programs are told with that go on."""


def stop(wire: Wire, container: str, timeout: float | None) -> None:
    """None: the container's own grace period. The engine answers when it has stopped."""
    doing, path = f"stopping container {container}", f"/containers/{container}/stop"
    params: Params = {} if timeout is None else {"t": math.ceil(timeout)}
    try:
        try:
            wire.post(doing, path, params=params, timeout=wire.timeout + (STOP_GRACE if timeout is None else timeout))
        except EngineSilent:
            # Asked only of one that does not stop: nearly none has a longer grace, and it costs a request for each.
            detail = None if timeout is not None else inspect(wire, container).detail
            own = detail.grace if detail is not None else None
            if own is None or own <= STOP_GRACE:
                raise
            wire.post(doing, path, timeout=wire.timeout + own)
    except NotFound:
        return


def await_stops(wire: Wire, project: str, on_wait: Callable[[str], None], *, cut_off: bool) -> None:
    """Nothing in a container's state says that it is being stopped; the events of the last minute do.

    An engine on another machine has another clock, and is not asked.
    """
    if not wire.endpoint.local:
        return
    if cut_off:
        # Of a signal that is just being sent (a second on a busy machine) neither the list nor the events say anything yet. The engine
        # holds the container meanwhile: an inspection is answered when the signal is sent and its event is written.
        running = {"label": f"{labels.PROJECT}={project}"}
        for one in wire.again("listing what runs", lambda c: c.containers(filters=running, quiet=True)):
            looked_up(wire, one["Id"])
    for container, told in _told_to_stop(wire, project).items():
        _await_end(wire, container, told, on_wait)


def _await_end(wire: Wire, container: str, told: float, on_wait: Callable[[str], None]) -> None:
    found = looked_up(wire, container)
    if found is None or not found.running:
        return
    grace = STOP_GRACE if found.detail is None or found.detail.grace is None else found.detail.grace
    left = told + grace + KILLING - time.time()
    if left <= 0:
        return  # it was a signal, and the program went on
    on_wait(found.name)
    with suppress(EngineError):  # what became of it the next look tells
        wire.call(f"waiting for the end of {found.name}", lambda c: c.wait(container, timeout=math.ceil(left)))
    # The engine's list, which is what everybody looks at, knows of the end a moment later.
    deadline = time.monotonic() + KILLING
    while time.monotonic() < deadline and _is_listed(wire, container):
        time.sleep(0.01)


def _is_listed(wire: Wire, container: str) -> bool:
    """Whether the engine lists it among the running ones."""
    return bool(wire.again("listing what runs", lambda c: c.containers(filters={"id": container}, quiet=True)))


def was_stopped(wire: Wire, container: Container) -> bool | None:
    """What the engine remembers of the container's last run: it forgets all but the last few hundred events of all containers."""
    if not wire.endpoint.local or container.detail is None:
        return None
    stopped: bool | None = None
    for event in _events(wire, ("start", "kill"), container=container.id, since=container.detail.started_at - 1.0):
        if event.action == "start":
            stopped = False
        elif event.signal not in RELOADS:
            stopped = True
    return stopped


def _told_to_stop(wire: Wire, project: str) -> dict[str, float]:
    """Container -> when it was told to stop, for those of which no end was heard since."""
    told: dict[str, float] = {}
    for event in _events(wire, ("kill", "die"), label=f"{labels.PROJECT}={project}", since=time.time() - RECENT):
        if event.action == "die":
            told.pop(event.container, None)
        elif event.signal not in RELOADS:
            told[event.container] = event.time
    return told


def _events(wire: Wire, actions: Sequence[str], *, since: float, **of: str) -> list[Event]:
    """What the engine remembers of these actions until now."""
    filters = {"type": ["container"], "event": list(actions), **{kind: [value] for kind, value in of.items()}}
    params: Params = {"since": f"{since:.9f}", "until": f"{time.time():.9f}", "filters": json.dumps(filters)}
    doing = "listing what was stopped"
    with translated(doing), wire.stream(doing, "/events", params, timeout=wire.timeout) as response:
        return [observing.event(json.loads(line)) for line in response.iter_lines()]


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
