"""Published ports: bound before anything is made, so that a taken one leaves nothing half-started."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack import labels
from devstack.compose.model import Service, Stack
from devstack.engine.base import Container, Engine, Observed
from devstack.errors import PortTaken
from devstack.plan.steps import Create, Plan, Remove, Start, Stop
from devstack.spec.model import Spec

if TYPE_CHECKING:
    from devstack.engine.ports import Holder

EVERYWHERE = "every address"
SETTLING, PAUSE = 3.0, 0.05
"""Seconds that an engine gets to name the container it holds a port for, and between two looks."""


def check_ports(engine: Engine, stack: Stack, spec: Spec | None, observed: Observed, plan: Plan) -> None:
    """Bind every port the plan will publish; raise `PortTaken` naming who holds which before anything is created."""
    from devstack.engine.ports import bindable, holder

    freed = {step.container for step in plan.steps if isinstance(step, Stop | Remove)}
    ours = {c.id for c in observed.containers if c.running}
    waiting = {c.id for c in observed.containers} - ours
    deadline = time.monotonic() + SETTLING
    begun = {
        step.service.name: step.service for step in plan.steps if isinstance(step, Create | Start) and not _resumes(step, ours)
    }
    everybody: tuple[Container, ...] | None = None
    problems: list[_TakenPort] = []
    for service in begun.values():
        for ip, port, protocol in _host_ports(service):
            if bindable(ip, port, protocol):
                continue
            everybody = engine.containers() if everybody is None else everybody
            who = holder(port, ip, protocol, everybody)
            if who is not None and (who.is_proxy or (waiting and not who.id and not who.pid)):
                everybody = _settled(engine, ip, port, protocol, deadline)
                if bindable(ip, port, protocol):
                    continue
                who = holder(port, ip, protocol, everybody)
            if who is not None and (who.id in freed or (who.id in waiting and who.service == service.name)):
                continue
            problems.append(
                _TakenPort(service, ip, port, str(who) if who else "an unknown process", _way_to_stop(port, who, everybody))
            )
    if problems:
        raise _taken(problems, spec)


def _settled(engine: Engine, ip: str, port: int, protocol: str, deadline: float) -> tuple[Container, ...]:
    """All containers once the engine names the one that has a port, or the port is free: it is starting or ending one.

    So it is for a moment after an `up` was killed: what that one asked for goes on.
    """
    from devstack.engine.ports import bindable, holder

    while True:
        everybody = engine.containers()
        who = holder(port, ip, protocol, everybody)
        if who is None or who.id or bindable(ip, port, protocol) or time.monotonic() > deadline:
            return everybody
        time.sleep(PAUSE)


@dataclass(frozen=True, slots=True)
class _TakenPort:
    service: Service
    ip: str
    port: int
    holder: str
    stop: str


def _way_to_stop(port: int, who: Holder | None, everybody: tuple[Container, ...]) -> str:
    """The command that frees the port, as far as it can be known."""
    container = next((c for c in everybody if who is not None and c.id == who.id), None)
    if container is None and who is not None and who.is_proxy:
        return f"docker ps --filter publish={port}   (then stop the container that has it)"
    if container is None:
        return f"kill {who.pid}" if who is not None and who.pid else "stop what holds it"
    folder = container.labels.get(labels.WORKING_DIR, "")
    return f"cd {folder} && devstack down" if folder else f"docker stop {container.name}"


def _next_free(taken: _TakenPort) -> int:
    """The first port above that can be had."""
    from devstack.engine.ports import bindable

    return next((port for port in range(taken.port + 1, 1 << 16) if bindable(taken.ip, port)), 0)


def _resumes(step: Create | Start, ours: set[str]) -> bool:
    return isinstance(step, Start) and step.container in ours


def _host_ports(service: Service) -> Iterable[tuple[str, int, str]]:
    for port in service.ports:
        if port.published.isdigit() and port.published != "0":
            yield port.host_ip, int(port.published), port.protocol


def _taken(problems: list[_TakenPort], spec: Spec | None) -> PortTaken:
    first, *others = problems
    name = first.service.name
    where = spec.services[name].where if spec and name in spec.services else None
    details = [("wanted by", f"{name} ({where})" if where else name), ("held by", first.holder)]
    details += [("also", f"port {p.port} on {p.ip or EVERYWHERE} for {p.service.name}, held by {p.holder}") for p in others]
    another = f"devstack up --port {name}={_next_free(first)}   (kept in .env)" if spec else f"publish another port for {name}"
    return PortTaken(
        f"port {first.port} on {first.ip or EVERYWHERE} is taken",
        details=[*details, ("so far", "nothing was started")],
        hints=[first.stop, another],
    )
