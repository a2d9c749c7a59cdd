"""`plan_up`: what it takes to make the stack run as it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from devstack.compose.model import Service, Stack
from devstack.engine.base import Container, Health, Observed, State
from devstack.errors import DevstackError
from devstack.plan.diverged import diverged
from devstack.plan.drift import drift
from devstack.plan.ends import was_stopped
from devstack.plan.options import SchemaTask, UpOptions
from devstack.plan.order import closure, dependents, parents
from devstack.plan.prerequisites import prerequisites
from devstack.plan.sketch import Sketch
from devstack.plan.steps import NO_KEYS, Keys, Plan, Remove, Rename, Until

_YOUNG = re.compile(r"Up (Less than a|1) second\b")

__all__ = ["SchemaTask", "UpOptions", "plan_up", "selected"]


def plan_up(stack: Stack, observed: Observed, options: UpOptions | None = None) -> Plan:
    """Decide every step of `up`. Pure: equal arguments give an equal plan."""
    return _Planner(stack, observed, options or UpOptions()).plan()


def selected(stack: Stack, options: UpOptions) -> tuple[str, ...]:
    """The services this `up` is about, needed ones first."""
    wanted = options.services or tuple(stack.services)
    unknown = [name for name in wanted if name not in stack.services]
    if unknown:
        raise DevstackError(f"no such service: {unknown[0]}", hints=[f"services: {', '.join(stack.services)}"], code="no-service")
    return tuple(wanted) if options.no_deps else closure(wanted, stack.services)


class _Planner:
    """Collects steps service by service, needed ones first, so that a step only refers to what is decided already."""

    def __init__(self, stack: Stack, observed: Observed, options: UpOptions) -> None:
        self.stack = stack
        self.observed = observed
        self.options = options
        self.names = selected(stack, options)
        self.sketch = Sketch(stack, options)
        self.kept: list[str] = []
        self.notes: list[str] = []

    def plan(self) -> Plan:
        services = [self.stack.services[name] for name in self.names if self.sketch.scale(self.stack.services[name])]
        # A migration tool runs in a container of its own before its service's is made.
        tools = [self.stack.services[task.run] for task in self.options.schema if task.run]
        self.sketch.steps += prerequisites(
            self.stack, self.observed, [*services, *(tool for tool in tools if tool not in services)]
        )
        for name in self.names:
            self._service(self.stack.services[name])
        self._orphans()
        self.notes += diverged(self.stack, self.observed)
        return Plan(steps=tuple(self.sketch.steps), kept=tuple(self.kept), notes=tuple(self.notes))

    # One service

    def _service(self, service: Service) -> None:
        there = list(self.observed.of(service.name))
        duplicates = self._half_replaced(service, there)
        current = [container for container in there if container not in duplicates]
        reasons = {container.id: self._why_remake(service, container) for container in current}
        extra = self._scale_down(service, current, reasons)
        current = [container for container in current if container not in extra]
        quiet = True
        for container in current:
            quiet &= self._existing(service, container, reasons[container.id])
        numbers = {container.number for container in current}
        for number in self._new_numbers(self.sketch.scale(service) - len(current), numbers):
            quiet = False
            self.sketch.new(service, number)
        if quiet and current:
            self.kept.append(service.name)

    def _half_replaced(self, service: Service, there: Sequence[Container]) -> list[Container]:
        """Second containers with a number that is taken: left by a replacement that was cut off. The one that fits stays."""
        spare: list[Container] = []
        for number in {container.number for container in there}:
            same = [container for container in there if container.number == number]
            if len(same) < 2:
                continue
            same.sort(key=lambda c: (bool(drift(self.stack, service, c, self.observed)), not c.running, -c.created))
            for container in same[1:]:
                spare.append(container)
                self.sketch.discard(container, "left by an interrupted replacement")
        return spare

    def _why_remake(self, service: Service, container: Container) -> str:
        if container.state is State.DEAD:
            return "its container is dead"
        if container.state is State.CREATED and (service.secrets or service.configs):
            return "it was made but never started, perhaps without its secrets"
        if self.options.no_recreate:
            return ""
        if self.options.force_recreate and self._is_named(service):
            return "asked for"
        moved = [parent for parent in parents(service) if parent in self.sketch.remade]
        if moved:
            return f"it shares a namespace with {moved[0]}, which is made again"
        return drift(self.stack, service, container, self.observed)

    def _is_named(self, service: Service) -> bool:
        return not self.options.services or service.name in self.options.services

    def _scale_down(self, service: Service, current: Sequence[Container], reasons: Mapping[str, str]) -> list[Container]:
        """The containers there are too many of: outdated ones first, then the highest numbers."""
        surplus = len(current) - self.sketch.scale(service)
        if surplus <= 0:
            return []
        ranked = sorted(current, key=lambda c: (not reasons[c.id], -c.number))
        for container in ranked[:surplus]:
            self.sketch.discard(container, f"scaled down to {self.sketch.scale(service)}")
        return ranked[:surplus]

    @staticmethod
    def _new_numbers(count: int, taken: set[int]) -> list[int]:
        free = (number for number in range(1, len(taken) + max(count, 0) + 1) if number not in taken)
        return [next(free) for _ in range(max(count, 0))]

    def _existing(self, service: Service, container: Container, why_remake: str) -> bool:
        """Plan for a container that is there; True when nothing needs to be done to it."""
        if why_remake:
            self.sketch.replace(service, container, why_remake)
            return False
        name = self.sketch.name(service, container.number)
        named: Keys = NO_KEYS
        if container.name != name:
            freed = frozenset(step.key for step in self.sketch.steps if isinstance(step, Remove) and step.name == name)
            rename = Rename(
                service=service.name,
                number=container.number,
                name=name,
                container=container.id,
                reason=f"it is called {container.name}",
                after=freed,
            )
            self.sketch.steps.append(rename)
            named = frozenset({rename.key})
        why_start = self._why_start(service, container)
        if why_start:
            paused = container.state is State.PAUSED
            self.sketch.start(service, container.number, reason=why_start, after=named, container=container, paused=paused)
            return False
        if self.sketch.why_restart(service):
            self.sketch.restart(service, container)
            return False
        self._keep(service, container)
        return not named

    def _why_start(self, service: Service, container: Container) -> str:
        if container.state is State.PAUSED:
            return "it is paused"
        if container.state in (State.RUNNING, State.RESTARTING):
            return ""
        if container.state is State.CREATED:
            return "it was made but never started"
        if self._is_done(service, container):
            return ""
        return f"it is stopped (exit {container.exit_code})" if container.exit_code is not None else "it is stopped"

    def _is_done(self, service: Service, container: Container) -> bool:
        """A one-shot that ended well stays ended, unless it is asked for by name or something that waits for it starts anew.

        Where nothing waits for it, it may be a worker that ended well because it was stopped.
        """
        ended = container.state is State.EXITED and container.exit_code == 0 and service.restart in ("", "no", "on-failure")
        if not ended or service.name in self.options.services or self._serves(service):
            return False
        waiting = dependents(self.stack.services)[service.name]
        awaited = [name for name in waiting if self.sketch.until(service) is Until.COMPLETED and name in self.names]
        return all(self._is_up(name) for name in awaited) if awaited else not was_stopped(container, self.observed)

    def _serves(self, service: Service) -> bool:
        """Whether it is there to be reached: a server ends well too when it is stopped (PostgreSQL with 0)."""
        probed = service.healthcheck is not None and not service.healthcheck.disable
        wanted = self.sketch.until(service)
        return wanted is not Until.COMPLETED and (probed or bool(service.ports) or wanted is Until.HEALTHY)

    def _is_up(self, name: str) -> bool:
        """Whether all containers of a service run, or have done their work, and need not be made again."""
        service = self.stack.services[name]
        there = self.observed.of(name)
        stands = all(c.running or self._is_done(service, c) for c in there)
        fits = stands and not any(drift(self.stack, service, c, self.observed) for c in there)
        return len(there) >= self.sketch.scale(service) and fits and not self.options.force_recreate

    def _keep(self, service: Service, container: Container) -> None:
        """A container that runs as it should needs no step; one that still has to prove itself is waited for."""
        settled = container.state is State.EXITED or (
            container.running
            and (container.health is Health.HEALTHY or (container.health is Health.NONE and _has_stood(container)))
        )
        if settled:
            self.sketch.schema(service, NO_KEYS)
        else:
            self.sketch.wait(service, container.number, container=container.id, after=NO_KEYS)

    def _orphans(self) -> None:
        known = {*self.stack.services, *self.stack.disabled}
        orphans = [c for c in self.observed.containers if c.service not in known and not c.oneoff]
        if not orphans:
            return
        if self.options.remove_orphans:
            for container in orphans:
                self.sketch.discard(container, f"service {container.service} is not in the files any more")
            return
        names = ", ".join(container.name for container in orphans)
        self.notes.append(f"containers of services that are not in the files: {names} (devstack up --remove-orphans removes them)")


def _has_stood(container: Container) -> bool:
    """Whether a container without a probe has been up for some seconds, by the engine's own words."""
    return container.running and not _YOUNG.match(container.status)
