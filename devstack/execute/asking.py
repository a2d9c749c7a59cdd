"""Runs a service's probe once, where the engine itself asks too seldom to know.

An engine without a fast start cadence asks for the first time after a whole interval: until then it calls a service starting that `up`
has seen to be healthy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from devstack.compose.model import Stack
from devstack.engine.base import Container, Engine, Health, Observed
from devstack.errors import DevstackError
from devstack.execute.waiting import probe_command

PATIENCE = 3.0
"""Seconds for all probes together; who has not answered by then is still starting."""


def exit_code(engine: Engine, container: str, command: Sequence[str]) -> int | None:
    """What a program inside a container ends with: 127 where it is not there, None where the container does not run."""
    try:
        return engine.exec(container, command).exit_code
    except DevstackError as error:
        # Some engines answer in an error what others tell by the code.
        return 127 if "executable file not found" in error.message else None


def passes(engine: Engine, stack: Stack, container: Container) -> bool:
    """Whether a container that such an engine calls starting passes its probe. Raises what `exec` raises."""
    service = stack.services.get(container.service) or stack.disabled.get(container.service)
    command = probe_command(service.healthcheck) if service is not None else ()
    if not command or container.health is not Health.STARTING or engine.info.fast_health:
        return False
    return engine.exec(container.id, command).exit_code == 0


def asked(engine: Engine, stack: Stack, observed: Observed) -> Observed:
    """What was observed, with each container healthy whose probe passes now."""
    healthy: set[str] = set()

    def ask(container: Container) -> None:
        try:
            if passes(engine, stack, container):
                healthy.add(container.id)
        except DevstackError:
            return  # it ended meanwhile: the engine's word stands

    starting = [c for c in observed.containers if c.running and c.health is Health.STARTING]
    probes = [threading.Thread(target=ask, args=(container,), daemon=True) for container in starting]
    for probe in probes:
        probe.start()
    deadline = time.monotonic() + PATIENCE
    for probe in probes:
        probe.join(max(0.0, deadline - time.monotonic()))
    known = frozenset(healthy)
    return replace(
        observed, containers=tuple(replace(c, health=Health.HEALTHY) if c.id in known else c for c in observed.containers)
    )
