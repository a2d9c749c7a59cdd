"""What a verify says, as data: results of checks, the team's criteria, how the start went, what each service looked like.

Reports are made from a `Report` and nothing else. Times are seconds; those of a `Timing` count from the moment the first container
was being made. Nothing here is masked: who writes a report masks it by value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from devstack.compose.model import EMPTY, Json
from devstack.errors import Where
from devstack.verify.past import Past


class Status(StrEnum):
    PASS = "pass"  # noqa: S105 - a word, not a password
    FAIL = "fail"
    SKIP = "skip"


class Severity(StrEnum):
    """What a failure means: ERROR fails the whole verify, WARNING is shown and counted, INFO is only shown."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Mode(StrEnum):
    """Where it ran: on a disposable copy, on the running stack without disturbing it, or on the stack itself."""

    TWIN = "twin"
    LIVE = "live"
    IN_PLACE = "in-place"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was found about one property.

    `id` is unique in a report and the same from run to run ("reach.db.5432"); `check` is the check that found it ("reach").
    `expected` and `saw` are sentences, `evidence` the lines that show it, `fix` commands or sentences that say what to do next.
    `where` is the place in the user's files; `criteria` are the ids of the criteria that rest on it.
    """

    id: str
    check: str
    title: str
    status: Status
    severity: Severity = Severity.ERROR
    service: str = ""
    expected: str = ""
    saw: str = ""
    evidence: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    where: Where | None = None
    seconds: float = 0.0
    criteria: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether it makes the whole verify fail."""
        return self.status is Status.FAIL and self.severity is Severity.ERROR

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "check": self.check,
            "title": self.title,
            "status": str(self.status),
            "severity": str(self.severity),
            "service": self.service or None,
            "expected": self.expected,
            "saw": self.saw,
            "evidence": list(self.evidence),
            "fix": list(self.fix),
            "where": _where_json(self.where),
            "seconds": round(self.seconds, 3),
            "criteria": list(self.criteria),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One line of the team's own acceptance list. `results` are the ids of the results it rests on; it fails when one of them does,
    and is skipped when none of them could be made."""

    id: str
    text: str
    status: Status
    results: tuple[str, ...] = ()
    where: Where | None = None

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "text": self.text,
            "status": str(self.status),
            "results": list(self.results),
            "where": _where_json(self.where),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When one service was created, started and ready. `after` are the services it waited for; None: it never came so far."""

    service: str
    created: float | None = None
    started: float | None = None
    healthy: float | None = None
    after: tuple[str, ...] = ()

    def as_json(self) -> Json:
        def number(seconds: float | None) -> Json:
            return None if seconds is None else round(seconds, 3)

        return {
            "service": self.service,
            "created": number(self.created),
            "started": number(self.started),
            "healthy": number(self.healthy),
            "after": list(self.after),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """A cold start: fresh volumes, images already there. `seconds` until the last service was ready, against `budget`."""

    seconds: float
    budget: float
    services: tuple[Timing, ...] = ()
    critical_path: tuple[str, ...] = ()

    def as_json(self) -> Json:
        return {
            "seconds": round(self.seconds, 3),
            "budget": self.budget,
            "services": [timing.as_json() for timing in self.services],
            "critical_path": list(self.critical_path),
        }


@dataclass(frozen=True, slots=True)
class Edge:
    """`service` depends on `needs`; `condition` in Compose's words."""

    service: str
    needs: str
    condition: str

    def as_json(self) -> Json:
        return {"service": self.service, "needs": self.needs, "condition": self.condition}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSeen:
    """One service as it was when the checks were done, or when the start failed.

    `ports` are lines "127.0.0.1:49153 -> 5432/tcp"; `probes` the last runs of its health check, `log` its last lines. `stand_in` tells
    what the image was built from in place of the genuine one, "" for that.
    """

    service: str
    image: str = ""
    state: str = ""
    restarts: int = 0
    ports: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    stand_in: str = ""

    def as_json(self) -> Json:
        return {
            "service": self.service,
            "image": self.image,
            "state": self.state,
            "restarts": self.restarts,
            "ports": list(self.ports),
            "probes": list(self.probes),
            "log": list(self.log),
            "stand_in": self.stand_in or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole verify. `project` is the stack it is about, `subject` the one that was examined (the twin's name).

    `begun` is in Unix seconds. `runs` counts the repetitions; `failures` says for each result that failed in some of several runs
    in how many of them. `past` are earlier runs of the same mode, the oldest first; they are not part of the JSON document.
    """

    project: str
    subject: str
    mode: Mode
    engine: str = ""
    version: str = ""
    begun: float = 0.0
    seconds: float = 0.0
    results: tuple[Result, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    startup: Startup | None = None
    graph: tuple[Edge, ...] = ()
    services: tuple[ServiceSeen, ...] = ()
    runs: int = 1
    failures: Mapping[str, int] = EMPTY
    past: tuple[Past, ...] = ()

    @property
    def ok(self) -> bool:
        return not any(result.fails for result in self.results) and not any(c.status is Status.FAIL for c in self.criteria)

    def count(self, status: Status) -> int:
        """How many results have this status; failures that are only warnings among them."""
        return sum(1 for result in self.results if result.status is status)

    @property
    def warnings(self) -> int:
        """Failures that do not make the whole fail."""
        return sum(1 for result in self.results if result.status is Status.FAIL and not result.fails)

    def as_json(self) -> dict[str, Json]:
        """The stable document; fields are only ever added."""
        return {
            "format": 1,
            "project": self.project,
            "subject": self.subject,
            "mode": str(self.mode),
            "engine": self.engine,
            "version": self.version,
            "begun": round(self.begun, 3),
            "seconds": round(self.seconds, 3),
            "ok": self.ok,
            "passed": self.count(Status.PASS),
            "failed": self.count(Status.FAIL) - self.warnings,
            "warnings": self.warnings,
            "skipped": self.count(Status.SKIP),
            "results": [result.as_json() for result in self.results],
            "criteria": [criterion.as_json() for criterion in self.criteria],
            "startup": self.startup.as_json() if self.startup else None,
            "graph": [edge.as_json() for edge in self.graph],
            "services": [seen.as_json() for seen in self.services],
            "runs": self.runs,
            "failures": dict(self.failures),
        }


def _where_json(where: Where | None) -> Json:
    return None if where is None else {"file": where.file, "line": where.line, "column": where.column}
