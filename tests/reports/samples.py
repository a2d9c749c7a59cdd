"""Reports made by hand, for what formats do with them; where a real verify is meant, the tests run one."""

from __future__ import annotations

from dataclasses import replace

from devstack.errors import Where
from devstack.verify.model import (
    Criterion,
    Edge,
    Mode,
    Report,
    Result,
    ServiceSeen,
    Severity,
    Startup,
    Status,
    Timing,
)
from devstack.verify.past import Past, past_of

CANARY = "zN7#qW9&vB<2>xL5"
"""A password whose form every format would change by escaping it."""
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----"
STRANGE = "<script>alert('x')</script> | `code` **bold** \x1b[31mred\x1b[0m \x00 ]]> @everyone 100%"

RESULTS = (
    Result(id="files.rendered", check="files", title="rendered files are up to date", status=Status.PASS, saw="compose.yaml, .env"),
    Result(
        id="files.ports",
        check="files",
        title="ports are on loopback",
        status=Status.FAIL,
        severity=Severity.WARNING,
        service="web",
        expected="127.0.0.1",
        saw="0.0.0.0:3000",
        where=Where("devstack.yml", 14, 5),
        fix=('ports: ["127.0.0.1:3000:3000"]',),
    ),
    Result(id="start.cold", check="start", title="cold start", status=Status.PASS, saw="4.1 s of 60 s allowed", seconds=4.1),
    Result(id="health.window", check="health", title="all stay healthy", status=Status.PASS, saw="5 of 5 for 3 s", seconds=3.0),
    Result(
        id="reach.db.5432",
        check="reach",
        title="db answers on port 5432",
        status=Status.PASS,
        service="db",
        expected="a login",
        saw="login as shop, PostgreSQL 17.5",
        evidence=("select 1 -> 1",),
        seconds=0.04,
        criteria=("AC6",),
    ),
    Result(
        id="data.persists.db",
        check="data",
        title="data of db survives down and up",
        status=Status.FAIL,
        service="db",
        expected="row 7f3c in devstack_probe",
        saw="an empty data folder: the volume shop_db is mounted at /var/lib/postgres/data",
        evidence=("ERROR:  relation devstack_probe does not exist", STRANGE),
        fix=("volumes: [db-data:/var/lib/postgresql/data]", "devstack up"),
        where=Where("compose.yaml", 12),
        seconds=2.7,
        criteria=("AC9",),
    ),
    Result(id="schema.orm", check="schema", title="the ORM is in step", status=Status.SKIP, saw="no ORM is declared"),
)
CRITERIA = (
    Criterion(id="AC6", text="PostgreSQL is accessible on port 5432", status=Status.PASS, results=("reach.db.5432",)),
    Criterion(id="AC9", text="Data persists across container restarts", status=Status.FAIL, results=("data.persists.db",)),
    Criterion(id="AC11", text="The ORM | agrees <b>with</b> it", status=Status.SKIP, results=("schema.orm",)),
)
STARTUP = Startup(
    seconds=4.1,
    budget=60.0,
    services=(
        Timing(service="db", created=0.1, started=0.3, healthy=1.6),
        Timing(service="cache", created=0.1, started=0.25, healthy=0.5),
        Timing(service="migrations", created=0.12, started=1.65, healthy=2.0, after=("db",)),
        Timing(service="api", created=0.15, started=2.05, healthy=3.4, after=("db", "cache", "migrations")),
        Timing(service="web", created=0.15, started=3.45, healthy=4.1, after=("api",)),
    ),
    critical_path=("db", "migrations", "api", "web"),
)
GRAPH = (
    Edge("migrations", "db", "service_healthy"),
    Edge("api", "db", "service_healthy"),
    Edge("api", "cache", "service_started"),
    Edge("api", "migrations", "service_completed_successfully"),
    Edge("web", "api", "service_healthy"),
)
SERVICES = (
    ServiceSeen(
        service="db",
        image="postgres:17",
        state="healthy",
        ports=("127.0.0.1:49153 -> 5432/tcp",),
        probes=("exit 0: accepting connections",),
        log=("LOG:  database system is ready to accept connections", f"LOG:  {STRANGE}"),
    ),
    ServiceSeen(
        service="cache",
        image="redis:7",
        state="healthy",
        ports=("127.0.0.1:49154 -> 6379/tcp",),
        stand_in="stand-in for redis:7, of Debian",
    ),
    ServiceSeen(service="migrations", image="shop-api", state="completed"),
    ServiceSeen(service="api", image="shop-api", state="healthy", ports=("127.0.0.1:49155 -> 8000/tcp",)),
    ServiceSeen(service="web", image="shop-web", state="healthy", restarts=1, ports=("127.0.0.1:49156 -> 3000/tcp",)),
)
FAILED = Report(
    project="shop",
    subject="shop-verify-3f2a",
    mode=Mode.TWIN,
    engine="Docker 28.5.2",
    version="0.1.0",
    begun=1_763_634_720.0,
    seconds=14.2,
    results=RESULTS,
    criteria=CRITERIA,
    startup=STARTUP,
    graph=GRAPH,
    services=SERVICES,
)
PASSED = replace(FAILED, results=tuple(r for r in RESULTS if r.status is Status.PASS), criteria=CRITERIA[:1])


def past(*starts: float, mode: Mode = Mode.TWIN) -> tuple[Past, ...]:
    """Earlier runs whose cold starts took so long, all else in proportion."""
    found = []
    for number, seconds in enumerate(starts):
        share = seconds / STARTUP.seconds
        services = tuple(
            replace(t, created=0.0, started=(t.started or 0) * share, healthy=(t.healthy or 0) * share) for t in STARTUP.services
        )
        report = replace(
            PASSED,
            mode=mode,
            begun=PASSED.begun - 3600 * (len(starts) - number),
            startup=replace(STARTUP, seconds=seconds, services=services),
        )
        found.append(past_of(report))
    return tuple(found)


def holding(secret: str) -> Report:
    """A report with a secret in every text that comes from a stack."""
    result = replace(
        RESULTS[5],
        title=f"title {secret}",
        expected=f"expected {secret}",
        saw=f"saw {secret}",
        evidence=tuple(f"PASSWORD={secret}".split("\n")),
        fix=(f"psql postgresql://shop:{secret}@localhost/shop",),
    )
    seen = replace(
        SERVICES[0],
        state=f"unhealthy {secret}",
        image=f"registry/{secret}",
        ports=(secret,),
        probes=tuple(secret.split("\n")),
        log=tuple(f"log {secret}".split("\n")),
    )
    criterion = replace(CRITERIA[1], text=f"criterion {secret}")
    return replace(FAILED, results=(result, *RESULTS[:5]), services=(seen, *SERVICES[1:]), criteria=(criterion,))
