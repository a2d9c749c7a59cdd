"""What a check works on, and how it says what it found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from devstack.compose.model import Service, Stack
from devstack.engine.base import Container, Engine, Observed
from devstack.errors import DevstackError, Where
from devstack.execute import Results
from devstack.plan.steps import Plan
from devstack.spec.model import AllowSpec, ProbeSpec, Spec, VerifySpec
from devstack.verify.copies import Copies
from devstack.verify.model import Mode, Result, ServiceSeen, Severity, Startup, Status

if TYPE_CHECKING:
    from devstack.project import Project


class Runner(Protocol):
    """Brings the stack under test up and down; given to checks that need it."""

    def up(self, services: tuple[str, ...] = ()) -> tuple[Plan, Results]:
        """As `devstack up`; raises the first step's error."""

    def down(self) -> None:
        """As `devstack down`: containers and networks go, volumes stay."""


@dataclass(slots=True, kw_only=True)
class Ground:
    """What checks work on.

    `stack` is the one under test, `declared` the one the files describe: the same but on a twin, whose name and ports differ. `running` is
    the declared stack as the engine has it, to be looked at only. `runner` is None where nothing may be disturbed.
    """

    engine: Engine
    project: Project
    stack: Stack
    mode: Mode
    runner: Runner | None = None
    running: Observed | None = None
    owns_data: bool = True
    """Whether all data of the stack under test was made by this run, so that it may be emptied."""
    first: Results | None = None
    first_error: DevstackError | None = None
    first_at: float = 0.0
    """When the first start was done, in Unix seconds."""
    startup: Startup | None = None
    results: list[Result] = field(default_factory=list)
    services: tuple[ServiceSeen, ...] = ()
    deadline: float = float("inf")
    copies: Copies = field(default_factory=Copies)
    seen: dict[str, Container] = field(default_factory=dict)
    """The containers, inspected, as they were right after the first start; by id."""
    looked: Observed | None = None
    settled: float = 0.0
    """When they were seen so (monotonic)."""

    @property
    def declared(self) -> Stack:
        return self.project.stack

    @property
    def spec(self) -> Spec | None:
        return self.project.spec

    @property
    def root(self) -> Path:
        return self.project.directory

    @property
    def limits(self) -> VerifySpec:
        return self.spec.verify if self.spec else VerifySpec()

    @property
    def allow(self) -> AllowSpec:
        return self.limits.allow

    def look(self) -> Observed:
        """The stack under test as it is now; a live run, which changes nothing, looks once."""
        from devstack.engine.look import look

        if self.looked is None or self.mode is not Mode.LIVE:
            self.looked = look(self.engine, self.stack)
        return self.looked

    def containers(self) -> tuple[Container, ...]:
        """Its containers, without one-offs."""
        return tuple(c for c in self.look().containers if not c.oneoff)

    def container(self, service: str) -> Container:
        """The first container of a service, inspected. Raises when there is none that runs."""
        there = self.look().of(service)
        if not there:
            raise DevstackError(f"{service} has no container", hints=[f"devstack up {service}"], code="not-running")
        found = self.engine.inspect(there[0].id)
        if not found.running:
            code = found.exit_code if found.exit_code is not None else "?"
            raise DevstackError(
                f"{service} does not run ({found.state}, exit {code})", hints=[f"devstack logs {service}"], code="not-running"
            )
        return found

    def settle(self) -> None:
        """Remember what runs now: from this moment on nothing may restart or end by itself."""
        self.seen = {c.id: self.engine.inspect(c.id) for c in self.containers()}
        self.settled = time.monotonic()

    @property
    def enabled(self) -> tuple[Service, ...]:
        """The services of which containers are wanted."""
        return tuple(service for service in self.stack.services.values() if service.scale)


class Phase(StrEnum):
    """When a check runs. STATIC ones read files; QUIET ones only look and ask; the others stop, kill and remove."""

    STATIC = "static"
    START = "start"
    QUIET = "quiet"
    ROUGH = "rough"
    LAST = "last"


Run = Callable[[Ground], Iterable[Result]]
"""A check looks at the ground and says what it found: any number of results. It raises nothing for what it checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check, or one part of it. `live`: it disturbs nothing, so `--live` runs it too."""

    name: str
    title: str
    run: Run
    phase: Phase
    part: str = ""
    live: bool = False

    @property
    def id(self) -> str:
        return f"{self.name}.{self.part}" if self.part else self.name


Probe = Callable[[Ground, ProbeSpec], "Answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a probe found: `saw` what, and `wrong` whether that is a failure; `skip` when it could not be made, and why."""

    expected: str
    saw: str = ""
    wrong: bool = False
    skip: bool = False
    evidence: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What a result is about; it makes the result, with the time since it was taken up."""

    check: str
    title: str
    of: str = ""
    service: str = ""
    expected: str = ""
    where: Where | None = None
    severity: Severity = Severity.ERROR
    begun: float = field(default_factory=time.monotonic)

    def passed(self, saw: str = "as expected", *, evidence: Iterable[str] = ()) -> Result:
        return self._result(Status.PASS, saw, evidence, ())

    def failed(self, saw: str, *, evidence: Iterable[str] = (), fix: Iterable[str] = (), where: Where | None = None) -> Result:
        return self._result(Status.FAIL, saw, evidence, fix, where)

    def skipped(self, why: str) -> Result:
        """It could not be found out, and why."""
        return self._result(Status.SKIP, why, (), ())

    def error(self, error: DevstackError) -> Result:
        """Failed by an error: its message, details and hints."""
        evidence = [f"{label}: {line}" for label, text in error.details for line in text.splitlines()]
        return self.failed(error.message, evidence=evidence, fix=error.hints, where=error.where)

    def _result(self, status: Status, saw: str, evidence: Iterable[str], fix: Iterable[str], where: Where | None = None) -> Result:
        return Result(
            id=f"{self.check}.{self.of}" if self.of else self.check,
            check=self.check.partition(".")[0],
            title=self.title,
            status=status,
            severity=self.severity,
            service=self.service,
            expected=self.expected,
            saw=saw,
            evidence=tuple(evidence),
            fix=tuple(fix),
            where=where or self.where,
            seconds=time.monotonic() - self.begun,
        )
