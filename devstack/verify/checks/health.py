"""health: every service is healthy, stays so, and comes back after it was killed."""

from __future__ import annotations

import time
from collections.abc import Iterator

from devstack.compose.roles import role_of
from devstack.engine.base import Container, Health, State
from devstack.errors import DevstackError, NotFound
from devstack.execute.asking import passes
from devstack.execute.evidence import last_lines
from devstack.verify.base import Ground, Topic
from devstack.verify.model import Mode, Result, Severity
from devstack.words import counted


def window(ground: Ground) -> Iterator[Result]:
    """From the moment all was healthy on, for a while: no restart, no end, no want of memory, nothing unhealthy."""
    if ground.mode is not Mode.LIVE:
        time.sleep(max(0.0, ground.settled + ground.limits.window - time.monotonic()))
    lasted = time.monotonic() - ground.settled
    before, after = ground.seen, {c.id: c for c in _inspected(ground)}
    span = "" if ground.mode is Mode.LIVE else f" and staying so for {lasted:.0f} s"
    topic = Topic(
        check="health.window",
        title=f"{counted(len(after), 'container')} healthy{span}",
        expected=f"all {len(after)} healthy or done, none restarted",
        begun=ground.settled,
    )
    wrong = {
        c.service: line
        for c in after.values()
        if (line := _wrong(c, before.get(c.id))) and not passes(ground.engine, ground.stack, c)
    }
    wrong |= {c.service: f"{c.service}: its container is gone" for c in before.values() if c.id not in after}
    there = {c.service for c in after.values()}
    wrong |= {s.name: f"{s.name}: it has no container" for s in ground.enabled if s.name not in there and s.name not in wrong}
    if wrong:
        lines = [*wrong.values(), *_last_words(ground, after, wrong)]
        first = next(iter(wrong))
        yield topic.failed("; ".join(wrong.values()), evidence=lines, fix=[f"devstack logs {first}"])
    else:
        yield topic.passed("as expected")
    yield from _probes(ground)


def _inspected(ground: Ground) -> Iterator[Container]:
    for container in ground.containers():
        try:
            yield ground.engine.inspect(container.id)
        except NotFound:
            continue  # told as a service without a container


def _last_words(ground: Ground, after: dict[str, Container], wrong: dict[str, str]) -> Iterator[str]:
    for container in after.values():
        if container.service in wrong:
            for line in last_lines(ground.engine, container.id, lines=5).splitlines():
                yield f"{container.service} | {line}"


def _probes(ground: Ground) -> Iterator[Result]:
    """A health check that cannot fail says nothing: `true`, `exit 0`, `echo`."""
    for service in ground.enabled:
        test = service.healthcheck.test if service.healthcheck and not service.healthcheck.disable else ()
        words = " ".join(test[1:]).strip()
        if test and test[0] in ("CMD", "CMD-SHELL") and is_empty_probe(words):
            topic = Topic(
                check="health.window",
                of=f"probe.{service.name}",
                title=f"{service.name}: its health check can fail",
                service=service.name,
                expected="a question that only a working program answers",
                severity=Severity.ERROR if service.ports or role_of(service) else Severity.WARNING,
            )
            yield topic.failed(f"it always passes: {words}", fix=["ask the program itself: its port, its /health, its client"])


def is_empty_probe(words: str) -> bool:
    """Whether a probe passes whatever the program does."""
    text = words.removeprefix("/bin/sh -c ").removeprefix("sh -c ").strip("\"' ")
    always = ("true", "/bin/true", "/usr/bin/true", ":", "exit 0", "echo")
    return text in always or text.startswith("echo ") or text.endswith(("|| true", "|| exit 0", "; true", "; exit 0", "|| :"))


def _wrong(container: Container, before: Container | None) -> str:
    detail = container.detail
    name = container.service
    if detail is not None and detail.oom_killed:
        return f"{name}: killed for want of memory"
    restarts = (detail.restart_count if detail else 0) - (before.detail.restart_count if before and before.detail else 0)
    if restarts:
        times = "once" if restarts == 1 else f"{restarts} times"
        return f"{name}: restarted {times}, last with exit {detail.exit_code if detail else '?'}"
    if container.state is State.EXITED and container.exit_code == 0 and (before is None or not before.running):
        return ""
    if not container.running:
        return f"{name}: {container.state}, exit {container.exit_code}"
    if container.health in (Health.HEALTHY, Health.NONE):
        return ""
    last = detail.probes[-1].output.strip() if detail and detail.probes else ""
    return f"{name}: {container.health}" + (f": {last}" if last else "")


def recovery(ground: Ground) -> Iterator[Result]:
    """Every running service is killed, as a crash would, and `up` brings all of them back."""
    assert ground.runner is not None
    victims = [c for c in ground.containers() if c.running]
    names = sorted({c.service for c in victims})
    topic = Topic(
        check="health.recovery",
        title=f"{counted(len(names), 'service')} healthy again after a kill",
        expected="`devstack up` makes all healthy again",
    )
    try:
        for container in victims:
            ground.engine.kill(container.id)
        for container in victims:
            ground.engine.wait(container.id)  # a kill is answered before its victim has ended
        ground.runner.up()
    except DevstackError as error:
        yield topic.error(error)
        return
    wrong = [line for c in _inspected(ground) if c.service in names and (line := _down(ground, c))]
    if wrong:
        yield topic.failed("; ".join(wrong), evidence=wrong)
    else:
        yield topic.passed(", ".join(names))


def _down(ground: Ground, container: Container) -> str:
    if not container.running:
        return f"{container.service}: {container.state}, exit {container.exit_code}"
    if container.health in (Health.HEALTHY, Health.NONE) or passes(ground.engine, ground.stack, container):
        return ""
    return f"{container.service}: {container.health}"
