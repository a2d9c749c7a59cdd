"""What came of a plan's steps, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from devstack.compose.model import EMPTY
from devstack.errors import DevstackError
from devstack.plan.steps import Step


class Phase(StrEnum):
    """Where a step is."""

    BEGUN = "begun"
    PROGRESS = "progress"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One thing that happened while a plan was carried out. `seconds` is the step's age; `text` one line of progress or result."""

    step: Step
    phase: Phase
    seconds: float = 0.0
    text: str = ""
    fraction: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one step ended. `begun` and `ended` are seconds since the plan's start."""

    step: Step
    begun: float
    ended: float
    text: str = ""
    error: DevstackError | None = None

    @property
    def seconds(self) -> float:
        return self.ended - self.begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The outcomes by step key, in the order they ended; `skipped` are keys of steps that never began."""

    outcomes: Mapping[str, Outcome] = EMPTY
    skipped: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def failures(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes.values() if outcome.error is not None)

    def raise_first(self) -> None:
        """Raise the error of the first step that failed, if any did."""
        for outcome in self.failures:
            assert outcome.error is not None
            raise outcome.error
