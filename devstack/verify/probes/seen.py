"""Probes of how services fare: healthy, started in time, their data kept, their logs."""

from __future__ import annotations

import json
from collections.abc import Iterable

from devstack.engine.base import Container, Health, State
from devstack.errors import DevstackError
from devstack.execute.asking import passes
from devstack.spec.model import ProbeSpec
from devstack.spec.shapes import seconds_of
from devstack.verify.base import Answer, Ground
from devstack.verify.model import Result, Status
from devstack.verify.probes.texts import problems, wishes
from devstack.verify.seen import lines_since
from devstack.words import counted


def healthy(ground: Ground, spec: ProbeSpec) -> Answer:
    """A service, or all of them, healthy, running without a probe, or done."""
    wanted = [spec.text("service")] if spec.text("service") else [service.name for service in ground.enabled]
    there = ground.containers()
    wrong = [line for name in wanted for line in _unhealthy(ground, name, there)]
    expected = f"{', '.join(wanted)} healthy"
    return Answer(expected=expected, saw="; ".join(wrong) or f"{len(wanted)} of {len(wanted)}", wrong=bool(wrong))


def _unhealthy(ground: Ground, name: str, there: Iterable[Container]) -> list[str]:
    mine = [container for container in there if container.service == name]
    if not mine:
        return [f"{name} has no container"]
    wrong = []
    for container in mine:
        done = container.state is State.EXITED and container.exit_code == 0
        well = container.running and (
            container.health in (Health.HEALTHY, Health.NONE) or passes(ground.engine, ground.stack, container)
        )
        if not done and not well:
            state = container.health if container.running else f"{container.state}, exit {container.exit_code}"
            wrong.append(f"{name}: {state}")
    return wrong


def startup(ground: Ground, spec: ProbeSpec) -> Answer:
    """How long the cold start took, of all or of one service."""
    limit = seconds_of(spec.text("within")) or 0.0
    name = spec.text("service")
    expected = f"{name or 'every service'} ready within {limit:g} s"
    if ground.startup is None:
        wrong = ground.first_error is not None
        return Answer(expected=expected, saw="it did not start" if wrong else "it was running already", wrong=wrong, skip=not wrong)
    timings = {timing.service: timing.healthy for timing in ground.startup.services}
    seconds = timings.get(name) if name else ground.startup.seconds
    if seconds is None:
        return Answer(expected=expected, saw=f"{name} was not started", wrong=True)
    return Answer(expected=expected, saw=f"after {seconds:.1f} s", wrong=seconds > limit)


def persists(ground: Ground, spec: ProbeSpec) -> Answer:
    """What the built-in check found about the volumes."""
    service, volume = spec.text("service"), spec.text("volume")
    found = [r for r in ground.results if r.id.startswith("data.persists") and _is_about(r, service, volume)]
    what = f"volume {volume}" if volume else f"the data of {service}" if service else "all data"
    expected = f"{what} survives down and up"
    if not found or all(result.status is Status.SKIP for result in found):
        why = found[0].saw if found else "no named volume holds it"
        return Answer(expected=expected, saw=why, skip=bool(found) or not (service or volume), wrong=not found)
    failed = [result for result in found if result.status is Status.FAIL]
    evidence = tuple(f"{result.id}: {result.saw}" for result in found)
    return Answer(expected=expected, saw=failed[0].saw if failed else "it does", wrong=bool(failed), evidence=evidence)


def _is_about(result: Result, service: str, volume: str) -> bool:
    volume_of = result.id.removeprefix("data.persists").lstrip(".")
    return (not service or result.service in ("", service)) and (not volume or volume_of in ("", volume))


def log(ground: Ground, spec: ProbeSpec) -> Answer:
    """What a service has written so far."""
    expected = wishes(spec)
    try:
        container = ground.container(spec.text("service"))
        lines = lines_since(ground.engine, container.id, None)
    except DevstackError as error:
        return Answer(expected=expected, saw=error.message, wrong=True, fix=error.hints)
    wrong = list(problems(spec, "\n".join(lines)))
    bad = [line for line in lines if line.strip() and not _is_object(line)] if spec.flag("json", False) else []
    if bad:
        wrong.append(f"{len(bad)} of {len(lines)} lines are no JSON objects")
    evidence = tuple(bad[:5] or (lines[-5:] if wrong else ()))
    expected = ", ".join(filter(None, (expected, "every line a JSON object" if spec.flag("json", False) else "")))
    return Answer(
        expected=expected,
        saw="; ".join(wrong) or f"{counted(len(lines), 'line')}, as expected",
        wrong=bool(wrong),
        evidence=evidence,
    )


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
