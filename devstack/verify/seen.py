"""What each service looked like, kept before it is taken away."""

from __future__ import annotations

from devstack.engine.base import Binding, Engine, Health, Observed
from devstack.errors import DevstackError
from devstack.execute.evidence import last_lines
from devstack.status import state_of
from devstack.verify.base import Ground
from devstack.verify.model import ServiceSeen

LINES = 40


def services_seen(ground: Ground) -> tuple[ServiceSeen, ...]:
    """Every service of the stack under test as it is now."""
    try:
        observed = ground.look()
    except DevstackError:
        return ()  # the engine went away, which is told where it was noticed
    return tuple(_one(ground, name, observed) for name in ground.stack.services)


def _one(ground: Ground, name: str, observed: Observed) -> ServiceSeen:
    image = ground.stack.image_of(ground.stack.services[name])
    known = observed.images.get(image)
    containers = observed.of(name)
    if not containers:
        return ServiceSeen(service=name, image=image, state="absent")
    try:
        found = ground.engine.inspect(containers[0].id)
        log = tuple(last_lines(ground.engine, found.id, lines=LINES).splitlines())
    except DevstackError as error:
        return ServiceSeen(service=name, image=image, state=f"gone while it was looked at: {error.message}")
    detail = found.detail
    state = state_of(containers)
    if state == Health.STARTING and name in _ready(ground):
        state = str(Health.HEALTHY)  # its probe passed; an engine without a fast start cadence notices at its own first one
    return ServiceSeen(
        service=name,
        image=image,
        state=state,
        restarts=detail.restart_count if detail else 0,
        ports=tuple(shown(binding) for binding in found.bindings if binding.published),
        probes=tuple(f"exit {p.exit_code}: {p.output.strip()}" for p in detail.probes[-5:]) if detail else (),
        log=log,
        stand_in=known.stand_in if known else "",
    )


def _ready(ground: Ground) -> set[str]:
    """The services that the first start saw ready."""
    return {timing.service for timing in ground.startup.services if timing.healthy is not None} if ground.startup else set()


def shown(binding: Binding) -> str:
    """A published port as people write it."""
    return f"{binding.host_ip or '0.0.0.0'}:{binding.published} -> {binding.target}/{binding.protocol}"


def lines_since(engine: Engine, container: str, since: float | None) -> list[str]:
    """What a container wrote, from a moment on (Unix seconds) or from its beginning; at most the last 5,000 lines."""
    return [line.text for line in engine.logs(container, since=since, tail=5000)]
