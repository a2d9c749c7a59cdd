"""What a check is, what it works on, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from devstack.compose.model import Json, Stack
from devstack.engine.base import Container, Engine, Observed
from devstack.errors import DevstackError
from devstack.execute import Results
from devstack.plan.steps import Plan
from devstack.spec.model import Spec


class Status(StrEnum):
    PASS = "pass"  # noqa: S105 - a word, not a password
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one check found. `expected` and `saw` are sentences; `evidence` holds the lines that show it; `seconds` its duration."""

    check: str
    title: str
    status: Status
    expected: str = ""
    saw: str = ""
    evidence: tuple[str, ...] = ()
    seconds: float = 0.0

    def as_json(self) -> Json:
        return {
            "check": self.check,
            "title": self.title,
            "status": str(self.status),
            "expected": self.expected,
            "saw": self.saw,
            "evidence": list(self.evidence),
            "seconds": round(self.seconds, 3),
        }


class Runner(Protocol):
    """Brings the stack under test up and down; given to checks that need it."""

    def up(self) -> tuple[Plan, Results]: ...

    def down(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class Ground:
    """What checks work on: the stack under test, its engine, and how its first start went."""

    engine: Engine
    stack: Stack
    spec: Spec | None
    root: Path
    runner: Runner
    first: Results | None = None
    first_error: DevstackError | None = None

    def look(self) -> Observed:
        """The stack under test as it is now."""
        from devstack.bring_up import look

        return look(self.engine, self.stack)

    def containers(self) -> tuple[Container, ...]:
        """Its containers, without one-offs."""
        return tuple(c for c in self.look().containers if not c.oneoff)


Check = Callable[[Ground], list[Result]]
"""A check looks at the ground and says what it found: one result or several. It raises nothing for what it checks."""


def failed(check: str, title: str, *, expected: str, saw: str, evidence: tuple[str, ...] = (), seconds: float = 0.0) -> Result:
    """A failed result."""
    return Result(check=check, title=title, status=Status.FAIL, expected=expected, saw=saw, evidence=evidence, seconds=seconds)


def passed(check: str, title: str, *, expected: str = "", saw: str = "", seconds: float = 0.0) -> Result:
    """A passed result."""
    return Result(check=check, title=title, status=Status.PASS, expected=expected, saw=saw, seconds=seconds)


def skipped(check: str, title: str, why: str) -> Result:
    """A check that could not be made, and why."""
    return Result(check=check, title=title, status=Status.SKIP, saw=why)
