"""`plan_up`: what it takes to make the stack run as it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devstack.compose.model import EMPTY, Condition, Service, Stack, Strings
from devstack.engine.base import Container, Health, Observed, State
from devstack.errors import DevstackError
from devstack.plan.drift import drift
from devstack.plan.order import closure, dependents, needs, parents
from devstack.plan.prerequisites import prerequisites
from devstack.plan.steps import (
    NO_KEYS,
    ApplySchema,
    Await,
    Create,
    Keys,
    Plan,
    Remove,
    Rename,
    Start,
    Step,
    Stop,
    Until,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaTask:
    """A database to bring up to date: which service, which database, which files, and why (pending files, unknown state)."""

    service: str
    database: str
    files: tuple[Path, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What the command line asks of `up`. `services` () means all; `scale` overrides replica counts."""

    services: tuple[str, ...] = ()
    no_deps: bool = False
    force_recreate: bool = False
    no_recreate: bool = False
    renew_anonymous: bool = False
    remove_orphans: bool = False
    scale: Mapping[str, int] = field(default_factory=dict)
    schema: tuple[SchemaTask, ...] = ()


def plan_up(stack: Stack, observed: Observed, options: UpOptions = UpOptions()) -> Plan:
    """Decide every step of `up`. Pure: equal arguments give an equal plan."""
    return _Planner(stack, observed, options).plan()


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
        self.steps: list[Step] = []
        self.kept: list[str] = []
        self.notes: list[str] = []
        self.remade: set[str] = set()
        self.started: set[str] = set()
        self.keys: dict[str, list[Keys]] = {}

    def plan(self) -> Plan:
        services = [self.stack.services[name] for name in self.names if self._scale(self.stack.services[name])]
        self.steps += prerequisites(self.stack, self.observed, services)
        for name in self.names:
            self._service(self.stack.services[name])
        self._orphans()
        return Plan(steps=tuple(self.steps), kept=tuple(self.kept), notes=tuple(self.notes))

    # One service

    def _scale(self, service: Service) -> int:
        return self.options.scale.get(service.name, service.scale)

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
        for number in self._new_numbers(self._scale(service) - len(current), numbers):
            quiet = False
            self._new(service, number)
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
                self._discard(container, "left by an interrupted replacement")
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
        moved = [parent for parent in parents(service) if parent in self.remade]
        if moved:
            return f"it shares a namespace with {moved[0]}, which is made again"
        return drift(self.stack, service, container, self.observed)

    def _is_named(self, service: Service) -> bool:
        return not self.options.services or service.name in self.options.services

    def _scale_down(self, service: Service, current: Sequence[Container], reasons: Mapping[str, str]) -> list[Container]:
        """The containers there are too many of: outdated ones first, then the highest numbers."""
        surplus = len(current) - self._scale(service)
        if surplus <= 0:
            return []
        ranked = sorted(current, key=lambda c: (not reasons[c.id], -c.number))
        for container in ranked[:surplus]:
            self._discard(container, f"scaled down to {self._scale(service)}")
        return ranked[:surplus]

    @staticmethod
    def _new_numbers(count: int, taken: set[int]) -> list[int]:
        free = (number for number in range(1, len(taken) + max(count, 0) + 1) if number not in taken)
        return [next(free) for _ in range(max(count, 0))]

    def _name(self, service: Service, number: int) -> str:
        return service.container_name or f"{self.stack.name}-{service.name}-{number}"

    def _new(self, service: Service, number: int) -> None:
        create = Create(
            service=service,
            number=number,
            name=self._name(service, number),
            image=self.stack.image_of(service),
            reason="",
            after=self._made_of(service),
        )
        self.remade.add(service.name)
        self.steps.append(create)
        self._start(service, number, reason="", after=frozenset({create.key}))

    def _made_of(self, service: Service) -> Keys:
        """Keys of all that must exist before a container of the service can be made."""
        keys = {f"image:{self.stack.image_of(service)}"}
        keys |= {f"network:{attachment.network}" for attachment in service.networks}
        keys |= {f"volume:{mount.source}" for mount in service.mounts if mount.type == "volume" and mount.source}
        keys |= {f"create:{parent}-1" for parent in parents(service)}
        return frozenset(keys & {step.key for step in self.steps})

    def _existing(self, service: Service, container: Container, why_remake: str) -> bool:
        """Plan for a container that is there; True when nothing needs to be done to it."""
        if why_remake:
            self._replace(service, container, why_remake)
            return False
        name = self._name(service, container.number)
        named: Keys = NO_KEYS
        if container.name != name:
            freed = frozenset(step.key for step in self.steps if isinstance(step, Remove) and step.name == name)
            rename = Rename(
                service=service.name,
                number=container.number,
                name=name,
                container=container.id,
                reason=f"it is called {container.name}",
                after=freed,
            )
            self.steps.append(rename)
            named = frozenset({rename.key})
        why_start = self._why_start(service, container)
        if why_start:
            paused = container.state is State.PAUSED
            self._start(service, container.number, reason=why_start, after=named, container=container, paused=paused)
            return False
        if self._why_restart(service):
            self._restart(service, container)
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
        """A one-shot that ended well stays ended, unless it is asked for by name or something that waits for it starts anew."""
        ended = container.state is State.EXITED and container.exit_code == 0 and service.restart in ("", "no", "on-failure")
        if not ended or service.name in self.options.services:
            return False
        waiting = dependents(self.stack.services)[service.name]
        awaited = [name for name in waiting if self._until(service) is Until.COMPLETED and name in self.names]
        return all(self._is_up(name) for name in awaited)

    def _is_up(self, name: str) -> bool:
        """Whether all containers of a service run and need not be made again."""
        service = self.stack.services[name]
        there = self.observed.of(name)
        fits = all(c.running and not drift(self.stack, service, c, self.observed) for c in there)
        return len(there) >= self._scale(service) and fits and not self.options.force_recreate

    def _why_restart(self, service: Service) -> str:
        """`depends_on: {x: {restart: true}}`: x is made again, so this one starts anew."""
        return next((d.service for d in service.depends_on if d.restart and d.service in self.remade), "")

    # Steps

    def _start(
        self,
        service: Service,
        number: int,
        *,
        reason: str,
        after: Keys,
        container: Container | None = None,
        paused: bool = False,
        settled: Keys = NO_KEYS,
    ) -> None:
        identity = container.id if container else ""
        waits, soft = self._conditions(service)
        waits |= {f"start:{parent}-1" for parent in parents(service)} & {step.key for step in self.steps}
        start = Start(
            service=service,
            number=number,
            reason=reason,
            container=identity,
            paused=paused,
            after=frozenset(after | waits),
            settled=settled | soft,
        )
        self.started.add(service.name)
        self.steps.append(start)
        self._await(service, number, container=identity, after=frozenset({start.key}))

    def _await(self, service: Service, number: int, *, container: str, after: Keys) -> None:
        until = self._until(service)
        step = Await(service=service, number=number, until=until, container=container, reason="", after=after)
        self.steps.append(step)
        self._schema(service, frozenset({step.key}))

    def _schema(self, service: Service, after: Keys) -> None:
        known = {step.key for step in self.steps}
        for task in self.options.schema:
            step = ApplySchema(service=service, database=task.database, files=task.files, reason=task.reason, after=after)
            if task.service == service.name and step.key not in known:
                self.steps.append(step)

    def _until(self, service: Service) -> Until:
        """The strictest condition any enabled service has for this one."""
        wanted = {d.condition for other in self.stack.services.values() for d in other.depends_on if d.service == service.name}
        if Condition.COMPLETED in wanted:
            return Until.COMPLETED
        return Until.HEALTHY if Condition.HEALTHY in wanted else Until.READY

    def _conditions(self, service: Service) -> tuple[set[str], Keys]:
        """Keys a start waits for: those that must succeed, and those that only must have ended (`required: false`)."""
        hard: set[str] = set()
        soft: set[str] = set()
        mine = {step.key for step in self.steps}
        for dependency in service.depends_on:
            verb = "start" if dependency.condition is Condition.STARTED else "await"
            keys = {key for key in mine if key.rpartition("-")[0] == f"{verb}:{dependency.service}"}
            # A database whose schema we apply is of use only once that is done.
            keys |= {key for key in mine if key.startswith(f"schema:{dependency.service}/")} if verb == "await" else set()
            if dependency.required:
                hard |= keys
            else:
                soft |= keys
        for link in needs(service):
            if link not in {d.service for d in service.depends_on}:
                hard |= {key for key in mine if key.rpartition("-")[0] == f"start:{link}"}
        return hard, frozenset(soft)

    def _replace(self, service: Service, old: Container, reason: str) -> None:
        name = self._name(service, old.number)
        create = Create(
            service=service,
            number=old.number,
            name=f"{old.id[:12]}_{name}",
            image=self.stack.image_of(service),
            reason=reason,
            after=self._made_of(service),
            replaces=old.id,
            inherit=self._anonymous(service, old),
        )
        stop = Stop(
            container=old.id,
            name=old.name,
            service=service.name,
            reason="replaced",
            grace=service.stop_grace_period,
            after=frozenset({create.key}),
        )
        remove = Remove(
            container=old.id,
            name=old.name,
            service=service.name,
            reason="replaced",
            anonymous=self.options.renew_anonymous,
            after=frozenset({stop.key}),
        )
        rename = Rename(service=service.name, number=old.number, name=name, reason="", after=frozenset({remove.key}))
        self.remade.add(service.name)
        self.steps += [create, stop, remove, rename]
        self._start(service, old.number, reason="", after=frozenset({rename.key}))

    def _anonymous(self, service: Service, old: Container) -> Strings:
        """Nameless volumes of the old container that the new one takes over: mount target -> volume name."""
        if self.options.renew_anonymous:
            return EMPTY
        named = {mount.target for mount in service.mounts if mount.source}
        return {
            mount.target: mount.name for mount in old.mounts if mount.type == "volume" and mount.target not in named and mount.name
        }

    def _restart(self, service: Service, container: Container) -> None:
        stop = Stop(
            container=container.id,
            name=container.name,
            service=service.name,
            reason=f"{self._why_restart(service)} is made again",
            grace=service.stop_grace_period,
        )
        self.steps.append(stop)
        self._start(service, container.number, reason="to start anew", after=frozenset({stop.key}), container=container)

    def _keep(self, service: Service, container: Container) -> None:
        """A container that runs as it should needs no step; one that still has to prove itself is waited for."""
        settled = container.state is State.EXITED or (
            container.running
            and (container.health is Health.HEALTHY or (container.health is Health.NONE and _has_stood(container)))
        )
        if settled:
            self._schema(service, NO_KEYS)
        else:
            self._await(service, container.number, container=container.id, after=NO_KEYS)

    def _discard(self, container: Container, reason: str) -> None:
        stop = Stop(container=container.id, name=container.name, service=container.service, reason=reason)
        remove = Remove(
            container=container.id, name=container.name, service=container.service, reason=reason, after=frozenset({stop.key})
        )
        self.steps += [stop, remove]

    def _orphans(self) -> None:
        known = {*self.stack.services, *self.stack.disabled}
        orphans = [c for c in self.observed.containers if c.service not in known and not c.oneoff]
        if not orphans:
            return
        if self.options.remove_orphans:
            for container in orphans:
                self._discard(container, f"service {container.service} is not in the files any more")
            return
        names = ", ".join(container.name for container in orphans)
        self.notes.append(f"containers of services that are not in the files: {names} (devstack up --remove-orphans removes them)")


def _has_stood(container: Container) -> bool:
    """Whether a container without a probe has been up for some seconds, by the engine's own words."""
    return container.running and "Less than a second" not in container.status and "1 second" not in container.status.split("(")[0]
