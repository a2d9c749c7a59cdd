"""What is remembered of a verify: how long its start, its services and its checks took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.compose.model import EMPTY, Json

if TYPE_CHECKING:
    from devstack.verify.model import Report, Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One run. Times are seconds: `startup` of the whole cold start (None: there was none), `ready` of each service from the beginning
    of the start, `own` of each service without what it waited for, `results` of each result by its id."""

    begun: float
    mode: str
    ok: bool
    seconds: float
    startup: float | None = None
    ready: Mapping[str, float] = EMPTY
    own: Mapping[str, float] = EMPTY
    results: Mapping[str, float] = EMPTY

    def as_json(self) -> dict[str, Json]:
        return {
            "begun": round(self.begun, 3),
            "mode": self.mode,
            "ok": self.ok,
            "seconds": round(self.seconds, 3),
            "startup": None if self.startup is None else round(self.startup, 3),
            "ready": {name: round(seconds, 3) for name, seconds in self.ready.items()},
            "own": {name: round(seconds, 3) for name, seconds in self.own.items()},
            "results": {name: round(seconds, 3) for name, seconds in self.results.items()},
        }


def past_of(report: Report) -> Past:
    """What to remember of a report."""
    startup = report.startup
    services = startup.services if startup else ()
    ready = {timing.service: timing.healthy for timing in services if timing.healthy is not None}
    return Past(
        begun=report.begun,
        mode=str(report.mode),
        ok=report.ok,
        seconds=report.seconds,
        startup=startup.seconds if startup else None,
        ready=ready,
        own={timing.service: own for timing in services if (own := _own(timing, ready)) is not None},
        results={result.id: result.seconds for result in report.results},
    )


def _own(timing: Timing, ready: Mapping[str, float]) -> float | None:
    """From the moment a service could start until it was ready: what makes it slow itself, and not those before it."""
    if timing.healthy is None:
        return None
    begun = max([timing.created or 0.0, *(ready.get(name, 0.0) for name in timing.after)])
    return max(0.0, timing.healthy - begun)
