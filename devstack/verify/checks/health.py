"""health: every service is healthy, and stays so for a while without a restart."""

from __future__ import annotations

import time

from devstack.engine.base import Container, Health, State
from devstack.execute.waiting import probe_command
from devstack.verify.base import Ground, Result, failed, passed

WINDOW = 2.0
"""Seconds over which nothing may restart, end or turn unhealthy."""


def check(ground: Ground) -> list[Result]:
    """Look, wait for the window to pass, look again."""
    begun = time.monotonic()
    before = {c.id: ground.engine.inspect(c.id) for c in ground.containers()}
    time.sleep(WINDOW)
    after = {c.id: ground.engine.inspect(c.id) for c in ground.containers()}
    wrong = [line for c in after.values() if (line := _wrong(c, before.get(c.id))) and not _passes(ground, c)]
    missing = [name for name, service in ground.stack.services.items() if service.scale and not _has(after, name)]
    wrong += [f"{name}: it has no container" for name in missing]
    title = f"{len(after)} containers healthy, none restarts in {WINDOW:g} s"
    expected = f"all {len(after)} healthy or completed, 0 restarts"
    seconds = time.monotonic() - begun
    if wrong:
        return [failed("health", title, expected=expected, saw=f"{len(wrong)} not so", evidence=tuple(wrong), seconds=seconds)]
    return [passed("health", title, expected=expected, saw="as expected", seconds=seconds)]


def _passes(ground: Ground, container: Container) -> bool:
    """An engine without a fast start cadence says "starting" until its own first probe; until then ours counts."""
    service = ground.stack.services.get(container.service)
    command = probe_command(service.healthcheck) if service is not None else ()
    if container.health is not Health.STARTING or ground.engine.info.fast_health or not command:
        return False
    return ground.engine.exec(container.id, command).exit_code == 0


def _has(containers: dict[str, Container], service: str) -> bool:
    return any(c.service == service for c in containers.values())


def _wrong(container: Container, before: Container | None) -> str:
    detail = container.detail
    name = container.service
    if detail is not None and detail.oom_killed:
        return f"{name}: killed for want of memory"
    restarts = (detail.restart_count if detail else 0) - (before.detail.restart_count if before and before.detail else 0)
    if restarts:
        return f"{name}: restarted {restarts} times"
    if container.state is State.EXITED and container.exit_code == 0:
        return ""
    if not container.running:
        return f"{name}: {container.state}, exit {container.exit_code}"
    if container.health in (Health.HEALTHY, Health.NONE):
        return ""
    last = detail.probes[-1].output.strip() if detail and detail.probes else ""
    return f"{name}: {container.health}" + (f": {last}" if last else "")
