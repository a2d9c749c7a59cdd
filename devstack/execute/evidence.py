"""Why a container is not as it should be, put together from what the engine still knows: its last probes and its last lines."""

from __future__ import annotations

from devstack.engine.base import Container, Engine
from devstack.errors import DeadlinePassed, DevstackError, EngineRefused, NotFound, Unhealthy
from devstack.execute.waiting import Verdict, Wait

LINES = 20


def last_lines(engine: Engine, container: str, *, lines: int = LINES) -> str:
    """The container's last log lines as one text; "" when it wrote none."""
    try:
        return "\n".join(line.text for line in engine.logs(container, tail=lines))
    except EngineRefused as refusal:
        return f"(the log cannot be read: {refusal.message})"


def failure(engine: Engine, wait: Wait, seconds: float) -> DevstackError:
    """The error a failed wait becomes, with its evidence."""
    service = wait.step.service.name
    try:
        container = engine.inspect(wait.container)
    except NotFound:
        return Unhealthy(f"the container of {service} was removed while it was waited for", hints=["devstack up"])
    details = _details(engine, wait, container)
    gone = wait.verdict in (Verdict.EXITED, Verdict.CRASH_LOOP)
    # Nobody can look into a container that has ended: a new one shows what its program found there.
    look = f"devstack run --rm --entrypoint sh {service}" if gone else f"devstack exec {service} sh"
    hints = [f"devstack logs {service}", look]
    if wait.verdict is Verdict.LATE:
        return DeadlinePassed(f"{service} is not {wait.step.until} after {seconds:.0f} s", details=details, hints=hints)
    return Unhealthy(_message(wait, container, service), details=details, hints=hints)


def _message(wait: Wait, container: Container, service: str) -> str:
    code = wait.exit_code if wait.exit_code is not None else container.exit_code
    count = container.detail.restart_count if container.detail else wait.ends
    oom = " (out of memory)" if container.detail and container.detail.oom_killed else ""
    probes = len(container.detail.probes) if container.detail else 0
    match wait.verdict:
        case Verdict.EXITED:
            return f"{service} exited with code {code}{oom}"
        case Verdict.CRASH_LOOP:
            return f"{service} is in a crash loop: it ended {max(count, wait.ends)} times, last with code {code}{oom}"
        case Verdict.NO_PROBE:
            return f"{service} has no health check, but another service waits for it to be healthy"
        case _:
            return f"{service} is unhealthy after {probes} probes" if probes else f"{service} is unhealthy"


def _details(engine: Engine, wait: Wait, container: Container) -> list[tuple[str, str]]:
    details: list[tuple[str, str]] = []
    if container.detail and container.detail.probes:
        probe = container.detail.probes[-1]
        details.append(("last probe", f"exit {probe.exit_code}: {probe.output.strip() or '(no output)'}"))
    if container.detail and container.detail.error:
        details.append(("engine", container.detail.error))
    lines = last_lines(engine, wait.container)
    details.append(("last log", lines or "(it wrote nothing)"))
    return details


def why_not_yet(engine: Engine, container: Container) -> str:
    """What a container that is still waited for says, in one line: its last probe, else its last log line."""
    probes = container.detail.probes if container.detail else ()
    if probes and probes[-1].exit_code != 0:
        return f"not yet: last probe exit {probes[-1].exit_code}: {_first_line(probes[-1].output)}"
    line = _first_line(last_lines(engine, container.id, lines=1))
    return f"not yet: last log: {line}" if line else "not yet: it has written nothing"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "(no output)")[:120]
