"""The rows, their bars, and the table that is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan, nan
from statistics import median
from typing import Literal, TypeAlias

from tests.bench.process import Sample

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"


Unit = Literal["s", "ms", "MB"]
_SCALE: Mapping[Unit, tuple[float, int]] = {"s": (1, 3), "ms": (1000, 2), "MB": (1, 1)}
"""What a sample's number is multiplied with to be shown, and the digits after its point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One promise. `bar` bounds devstack's median divided by the rival's or, where the unit is MB, devstack's peak memory itself."""

    name: str
    contest: str
    ours: str
    theirs: str
    bar: float
    unit: Unit = "s"

    @property
    def absolute(self) -> bool:
        return self.unit == "MB"


GROWTH = 1.25
"""Linear growth is a ratio of 1; the rest is what differences of short times spread by on a machine that does other things too."""

ROWS = (
    Row(
        name="cold-chain",
        contest="chain",
        ours="devstack up, from nothing to healthy: postgres, redis, HTTP service behind both, interval 5s",
        theirs="docker compose up -d --wait, same file",
        bar=0.20,
    ),
    Row(
        name="cold-30",
        contest="levels",
        ours="devstack up, from nothing to healthy: 30 services in three levels, interval 5s",
        theirs="docker compose up -d --wait, same file",
        bar=0.22,
    ),
    Row(
        name="noop-up",
        contest="noop",
        ours="devstack up of the healthy chain",
        theirs="docker compose up -d --wait, same file, same containers",
        bar=0.4,
    ),
    Row(
        name="down",
        contest="down",
        ours="devstack down of a spec: two kind worker and one kind node, all defaults (they render init: true)",
        theirs="docker compose down of a plain file with the same three programs, no init (deaf to SIGTERM as PID 1)",
        bar=0.15,
    ),
    Row(
        name="status",
        contest="status",
        ours="devstack status of the healthy chain",
        theirs="docker compose ps, same containers",
        bar=2.5,
    ),
    Row(name="version", contest="version", ours="devstack --version", theirs='python -c "import typer"', bar=2.5),
    Row(name="help", contest="help", ours="devstack --help", theirs='python -c "import typer"', bar=2.5),
    Row(
        name="config-100",
        contest="config",
        ours="devstack config --format json of 100 services with ports, mounts, variables, probes and dependencies",
        theirs="docker compose config --format json, same file",
        bar=2.0,
    ),
    Row(
        name="eight-up",
        contest="eight-up",
        ours="devstack up of eight independent services with health checks, interval 5s",
        theirs="docker compose up -d --wait, same file",
        bar=1.0,
    ),
    Row(
        name="eight-bare",
        contest="eight-bare",
        ours="devstack up of eight services without health checks: each has to stay up for a second",
        theirs="docker compose up -d --wait, same file: running once is enough",
        bar=1.0,
    ),
    Row(
        name="eight-down",
        contest="eight-down",
        ours="devstack down of the 8 services, which run",
        theirs="docker compose down, same file, a stack of its own",
        bar=1.0,
    ),
    Row(
        name="native-cold",
        contest="native-cold",
        ours="devstack up --engine native, from nothing: postgres, valkey, FastAPI, packages present",
        theirs="devstack up of the same spec in containers, images present",
        bar=0.5,
    ),
    Row(
        name="native-warm",
        contest="native-warm",
        ours="the same with the data of the run before",
        theirs="the same with the data of the run before",
        bar=0.3,
    ),
    Row(
        name="native-reset",
        contest="native-reset",
        ours="devstack reset of that stack from its template",
        theirs="half a second",
        bar=1.0,
    ),
    Row(
        name="grow-config",
        contest="grow-config",
        ours="devstack config: time for each further service, from 55 to 100 services",
        theirs="the same from 10 to 55 services",
        bar=GROWTH,
        unit="ms",
    ),
    Row(
        name="grow-plan",
        contest="grow-plan",
        ours="devstack up --plan from nothing: time for each further service, from 55 to 100 services",
        theirs="the same from 10 to 55 services",
        bar=GROWTH,
        unit="ms",
    ),
    Row(
        name="grow-noop",
        contest="grow-noop",
        ours="devstack up with nothing to do: time for each further service, from 30 to 50 running services",
        theirs="the same from 10 to 30 services",
        bar=GROWTH,
        unit="ms",
    ),
    Row(
        name="grow-up",
        contest="grow-up",
        ours="devstack up from nothing to running: time for each further service, from 30 to 50 services",
        theirs="the same from 10 to 30 services",
        bar=GROWTH,
        unit="ms",
    ),
    Row(
        name="reset-replay",
        contest="reset-replay",
        ours="devstack reset --yes of a database of 1,000 migrations and 120 MB, its template standing",
        theirs="drop it, create it, devstack schema apply of the same files",
        bar=0.35,
    ),
    Row(
        name="reset-compose",
        contest="reset-compose",
        ours="devstack reset --yes, the same database",
        theirs="docker compose down -v, up -d --wait (interval 5s), one psql session with -f for every file",
        bar=0.1,
    ),
    Row(
        name="undo-restore",
        contest="undo-restore",
        ours="devstack undo --yes of that reset",
        theirs="pg_restore --clean --if-exists in the container, of a custom dump made in time",
        bar=0.5,
    ),
    *(
        Row(
            name=name,
            contest=name,
            ours=f"devstack up of examples/{name}, from nothing to healthy with its schema",
            theirs=f"docker compose up -d --wait of its rendered file, with {tool} by hand once the database is healthy",
            bar=1.0,
        )
        for name, tool in (
            ("agent-platform", "psql"),
            ("hyvve", "Prisma"),
            ("schema-hub", "Alembic"),
            ("workflow-history", "Alembic"),
        )
    ),
    Row(
        name="verify",
        contest="verify",
        ours="devstack verify of examples/agent-platform: a cold twin, every check, taken away again",
        theirs="devstack up of it, from nothing to healthy",
        bar=4.0,
    ),
    Row(
        name="verify-live",
        contest="verify-live",
        ours="devstack verify --live of examples/agent-platform, which runs",
        theirs="sleep 2: the time that is promised",
        bar=1.0,
    ),
    Row(
        name="sql-session",
        contest="sql-session",
        ours="devstack schema apply of 1,000 small migrations on an empty database",
        theirs="one psql session with -f for every file",
        bar=1.4,
    ),
    Row(name="sql-each", contest="sql-each", ours="the same", theirs="psql -f for each file", bar=0.2),
    Row(name="sql-dbmate", contest="sql-dbmate", ours="the same", theirs="dbmate up of the same statements", bar=0.8),
    Row(name="sql-alembic", contest="sql-alembic", ours="the same", theirs="alembic upgrade head, the same statements", bar=0.6),
    Row(
        name="sql-nothing",
        contest="sql-nothing",
        ours="devstack schema apply where all 1,000 have been applied",
        theirs="dbmate up where it has applied them",
        bar=2.5,
    ),
    Row(
        name="sql-dump",
        contest="sql-dump",
        ours="devstack schema apply of a plain pg_dump of 40 MB",
        theirs="psql -f of it",
        bar=1.1,
    ),
    Row(
        name="sql-copy",
        contest="sql-copy",
        ours="devstack schema apply of a file with \\copy of 1,000,000 rows",
        theirs="psql -f of the same file",
        bar=1.1,
    ),
    Row(
        name="memory",
        contest="chain",
        ours="peak memory of the devstack up of cold-chain, in MB",
        theirs="of docker compose (its largest process), for comparison only",
        bar=80,
        unit="MB",
    ),
)


@dataclass(slots=True)
class Samples:
    """What both sides did in one contest, in the order it was done."""

    ours: list[Sample] = field(default_factory=list)
    theirs: list[Sample] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Result:
    """A row with the medians of both sides, in seconds or MB."""

    row: Row
    ours: float
    theirs: float
    samples: Samples

    @property
    def ratio(self) -> float:
        """Not a number where the rival's is none: a difference of times that noise has swallowed."""
        return self.ours / self.theirs if self.theirs > 0 else nan

    @property
    def ok(self) -> bool:
        return (self.ours if self.row.absolute else self.ratio) <= self.row.bar

    def as_json(self) -> dict[str, Json]:
        def numbers(samples: Sequence[Sample]) -> list[Json]:
            return [round(_value(self.row, sample), 6) for sample in samples]

        return {
            "row": self.row.name,
            "unit": "MB" if self.row.absolute else "s",
            "devstack": round(self.ours, 6),
            "rival": round(self.theirs, 6),
            "ratio": None if isnan(self.ratio) else round(self.ratio, 4),
            "bar": self.row.bar,
            "ok": self.ok,
            "what": {"devstack": self.row.ours, "rival": self.row.theirs},
            "samples": {"devstack": numbers(self.samples.ours), "rival": numbers(self.samples.theirs)},
            "cpu": {"devstack": _cpu(self.samples.ours), "rival": _cpu(self.samples.theirs)},
        }


def _value(row: Row, sample: Sample) -> float:
    return sample.megabytes if row.absolute else sample.seconds


def _cpu(samples: Sequence[Sample]) -> float:
    """Median processor time in seconds."""
    return round(median(sample.cpu for sample in samples), 4)


def result(row: Row, samples: Samples) -> Result:
    """The medians of a row. Both sides have at least one sample."""
    ours = median(_value(row, sample) for sample in samples.ours)
    theirs = median(_value(row, sample) for sample in samples.theirs)
    return Result(row, ours, theirs, samples)


def results(rows: Sequence[Row], measured: Mapping[str, Samples]) -> list[Result]:
    return [result(row, measured[row.contest]) for row in rows]


def table(found: Sequence[Result]) -> str:
    """The table for people, with what is compared below it."""
    lines = [f"{'row':<16} {'devstack':>10} {'rival':>10} {'ratio':>7} {'bar':>8}  {'spread of devstack':<20}"]
    for item in found:
        unit = item.row.unit
        scale, digits = _SCALE[unit]
        values = [_value(item.row, sample) * scale for sample in item.samples.ours]
        bar = f"{item.row.bar:g} MB" if item.row.absolute else f"{item.row.bar:.2f}"
        spread = f"{min(values):.{digits}f}..{max(values):.{digits}f} (n={len(values)})"
        lines.append(
            f"{item.row.name:<16} {item.ours * scale:>7.{digits}f} {unit:<2} {item.theirs * scale:>7.{digits}f} {unit:<2} {item.ratio:>7.2f} "
            f"{bar:>8}  {spread:<24} {'ok' if item.ok else 'MISS'}"
        )
    lines += ["", "what is compared (medians of whole processes):"]
    lines += [f"  {item.row.name:<16} {item.row.ours}\n  {'':<16}   against {item.row.theirs}" for item in found]
    return "\n".join(lines)
