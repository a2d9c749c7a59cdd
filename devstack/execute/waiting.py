"""Whether a container is as it should be: the rules of an `Await`, fed with events and looks.

A verdict is reached without timers where the engine says enough, and at `next_look` where only time can tell: a container without a
probe has to stay up for `STAND` seconds; a probe has the time its own settings grant, and no more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from devstack import labels
from devstack.compose.model import Healthcheck, Service
from devstack.compose.roles import Postgres, role_of
from devstack.engine.base import Container, Event, Health, State
from devstack.plan.steps import Await, Until

STAND = 1.0
"""Seconds a container without a probe must stay up to count as running."""
MUTE = 60.0
"""Seconds after which a server that is asked beside its probe, or has none, counts as up although it does not answer over TCP."""
NOT_YET = (1, 2)
"""What pg_isready ends with where a server refuses connections still, or nothing listens."""
CRASHES = 2
"""Ends within one wait after which a restarting container counts as a crash loop."""
INTERVAL, RETRIES, TIMEOUT = 30.0, 3, 30.0
"""The engine's defaults for a probe."""


class Verdict(StrEnum):
    """What a wait has come to."""

    OPEN = "open"
    GOOD = "good"
    EXITED = "exited"
    CRASH_LOOP = "crash loop"
    UNHEALTHY = "unhealthy"
    NO_PROBE = "no probe"
    GONE = "gone"
    LATE = "late"


@dataclass(slots=True)
class Wait:
    """One `Await` under way. All times are seconds of one monotonic clock."""

    step: Await
    container: str
    begun: float
    deadline: float
    health: Health | None = None
    running: bool = True
    exit_code: int | None = None
    ends: int = 0
    restarts: bool = False
    probed: bool = False
    asks: tuple[str, ...] = ()
    """What to ask a server that nobody declared a probe for, or one that its init scripts' server passes too."""
    answered: bool = False
    slow: bool = False
    """Made by Compose: the engine probes it only once every interval, also while it starts."""
    stands_since: float = 0.0
    probe_until: float = 0.0
    verdict: Verdict = field(default=Verdict.OPEN)

    def __post_init__(self) -> None:
        self.stands_since = self.begun
        check = self.step.service.healthcheck
        self.probed = check is not None and not check.disable and check.test != ("NONE",)
        self.restarts = self.step.service.restart.split(":")[0] in ("always", "unless-stopped", "on-failure")
        self.probe_until = self.begun + granted(check)
        unsure = _hears_init_only(check) if self.probed else self.step.until is Until.READY
        if unsure and self.step.until is not Until.COMPLETED:
            self.asks = question(self.step.service)

    def see(self, event: Event, now: float) -> None:
        """Take in one event of this container."""
        if event.action == "start":
            self.running, self.exit_code, self.stands_since, self.health = True, None, now, None
            self.probe_until = now + granted(self.step.service.healthcheck)
        elif event.action == "die":
            self.running, self.exit_code = False, event.exit_code
            self.ends += 1
        elif event.action == "destroy":
            self.verdict = Verdict.GONE
        elif event.action == "answers":
            self.answered = True
        elif event.action == "cannot answer":
            self.asks = ()
        elif event.action == "health_status" and event.health is not None:
            self.health, self.probed = event.health, True

    def look(self, container: Container) -> None:
        """Take in an inspect of the container."""
        self.slow = labels.FIELDS not in container.labels
        self.running = container.state in (State.RUNNING, State.PAUSED)
        if container.health is not Health.NONE:
            self.health, self.probed = _health(container), True
        if container.state is State.EXITED:
            self.exit_code = container.exit_code if container.exit_code is not None else 0
        if container.detail is not None:
            self.ends = max(self.ends, container.detail.restart_count)

    def judge(self, now: float) -> Verdict:
        """The verdict at `now`; once it is not OPEN it stays."""
        if self.verdict is Verdict.OPEN:
            self.verdict = self._ended() if not self.running else self._up(now)
        if self.verdict is Verdict.OPEN and now >= self.deadline:
            self.verdict = Verdict.LATE
        return self.verdict

    def _ended(self) -> Verdict:
        if self.exit_code is None:
            return Verdict.OPEN
        if self.exit_code == 0 and (self.step.until is Until.COMPLETED or self._is_one_shot()):
            return Verdict.GOOD
        if self.restarts:
            return Verdict.CRASH_LOOP if self.ends >= CRASHES else Verdict.OPEN
        return Verdict.EXITED

    def _is_one_shot(self) -> bool:
        return self.step.until is Until.READY and self.step.service.restart.split(":")[0] in ("", "no", "on-failure")

    def _up(self, now: float) -> Verdict:
        if self.restarts and self.ends >= CRASHES + 1:
            return Verdict.CRASH_LOOP
        if self.step.until is Until.COMPLETED:
            return Verdict.OPEN
        waits_for_answer = bool(self.asks) and not self.answered and now - self.stands_since < MUTE
        if self.health is Health.HEALTHY:
            return Verdict.OPEN if waits_for_answer else Verdict.GOOD
        if self.health is Health.UNHEALTHY or (self.probed and now >= self.probe_until):
            return Verdict.UNHEALTHY
        if self.probed:
            return Verdict.OPEN
        if waits_for_answer or (not self.answered and now - self.stands_since < STAND):
            return Verdict.OPEN
        return Verdict.NO_PROBE if self.step.until is Until.HEALTHY else Verdict.GOOD

    def next_look(self, now: float) -> float:
        """Seconds until time alone may change the verdict."""
        moments = [self.deadline]
        if self.running and self.probed and self.health is not Health.HEALTHY:
            moments.append(self.probe_until)
        elif self.running:
            moments.append(self.stands_since + (MUTE if self.asks else STAND))
        return max(0.0, min(moment for moment in moments) - now)


def _health(container: Container) -> Health:
    """What the probes say. A pause makes the engine say unhealthy although no probe has failed: then the next one decides."""
    probes = container.detail.probes if container.detail else ()
    if container.health is Health.UNHEALTHY and (not probes or probes[-1].exit_code == 0):
        return Health.STARTING
    return container.health


def granted(check: Healthcheck | None) -> float:
    """Seconds a probe's settings grant a container to become healthy: its start period and all its retries."""
    if check is None:
        return INTERVAL * (RETRIES + 1)
    interval = check.interval if check.interval else INTERVAL
    timeout = check.timeout if check.timeout else TIMEOUT
    retries = check.retries if check.retries else RETRIES
    return (check.start_period or 0.0) + interval * retries + min(timeout, interval)


def probe_command(check: Healthcheck | None) -> tuple[str, ...]:
    """What to run inside a container to probe it ourselves; () when the probe is not one of the model's."""
    if check is None or check.disable or not check.test or check.test[0] == "NONE":
        return ()
    return ("/bin/sh", "-c", check.test[1]) if check.test[0] == "CMD-SHELL" else check.test[1:]


def _hears_init_only(check: Healthcheck | None) -> bool:
    """Whether a PostgreSQL's probe asks over the socket, where the server answers too that its image runs the init scripts on."""
    text = " ".join(check.test) if check is not None else ""
    return bool(re.search(r"\b(pg_isready|psql)\b", text)) and not re.search(r"\s-h|--host|PGHOST|://", text)


def question(service: Service) -> tuple[str, ...]:
    """What to run inside a container to learn whether its server takes connections, where its image tells what it is; () elsewhere.

    Over TCP: the server that a PostgreSQL image runs its init scripts on listens on a socket only.
    """
    role = role_of(service)
    if not isinstance(role, Postgres):
        return ()
    return ("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(role.port), "-U", role.user, "-d", role.database)
