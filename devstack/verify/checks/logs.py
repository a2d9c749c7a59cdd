"""logs: no service has written a line that says something went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from devstack.compose.model import Service
from devstack.compose.roles import Postgres, Redis, role_of
from devstack.engine.base import Container
from devstack.errors import DevstackError
from devstack.verify.base import Ground, Topic
from devstack.verify.model import Mode, Result, Severity
from devstack.verify.seen import lines_since
from devstack.words import counted

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
MOST = 8
"""Lines shown of one service."""

POSTGRES = re.compile(r"\b(?:ERROR|FATAL|PANIC):")
POSTGRES_HARMLESS = re.compile(
    r"the database system is (?:starting up|shutting down|not yet accepting)"
    r"|terminating (?:connection|background worker) .*due to administrator command"
    r"|connection to client lost|canceling statement due to user request"
    r"|relation \"devstack\."  # our own ledger is looked for before it is made
)
POSTGRES_MADE = "PostgreSQL init process complete"
"""What the images write when the server of their init scripts has ended."""
POSTGRES_ASKED_EARLY = re.compile(r'FATAL: +(?:database|role) "[^"]*" does not exist')
"""A probe's doing, until the database is made."""
REDIS = re.compile(r"(?:^|\s)# (?:Fatal|Can't|Bad file|Short read|Out of memory|.*\berror\b)|\bMISCONF\b|\bERR\b", re.IGNORECASE)
REDIS_HARMLESS = re.compile(r"WARNING|overcommit|no config file|User requested shutdown", re.IGNORECASE)
ANY = re.compile(
    r"""(?<![\w.\-/=])(?:ERROR|FATAL|CRITICAL|PANIC|SEVERE|EMERG)(?![\w=\-./])   # a level, in capitals
    | Traceback\ \(most\ recent\ call\ last\)
    | ^panic:\ | ^goroutine\ \d+\ \[running\]
    | [Uu]nhandled(?:\ promise\ rejection|Rejection|PromiseRejection|\ exception|\ error)|[Uu]ncaught\ (?:exception|\w*Error)
    | ^\s*(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception):\s                           # SomeError: words
    | "(?:level|severity|lvl)"\s*:\s*(?:"(?:error|fatal|critical|panic|alert|emergency)"|[56]0\b)
    | \b(?i:level|lvl|severity)=(?i:error|fatal|critical|panic|crit)\b
    | \[(?:error|crit|alert|emerg|fatal)\]
    | ^npm\ (?:ERR!|error\b)
    | Segmentation\ fault|core\ dumped|OutOfMemory|Killed\ process
    """,
    re.VERBOSE,
)
ANY_HARMLESS = re.compile(r"\b(?:0|no) errors?\b|errors?[\"']?\s*[=:]\s*(?:0|null|false|none|\[\])", re.IGNORECASE)


def check(ground: Ground) -> Iterator[Result]:
    """One result a service that writes; on a running stack, which has had its day, it is a warning."""
    allowed = [re.compile(pattern) for pattern in ground.allow.logs]
    found = [result for service in ground.enabled for result in _service(ground, service, allowed)]
    yield from found or [Topic(check="logs", title="no errors in the logs").skipped("no service runs")]


def _service(ground: Ground, service: Service, allowed: list[re.Pattern[str]]) -> Iterator[Result]:
    containers = [c for c in ground.containers() if c.service == service.name]
    if not containers:
        return
    topic = Topic(
        check="logs",
        of=service.name,
        title=f"{service.name} has written no error",
        service=service.name,
        expected="no line of an error, a crash or a refusal",
        severity=Severity.WARNING if ground.mode is Mode.LIVE else Severity.ERROR,
    )
    try:
        lines = [line for container in containers for line in _written(ground, container)]
    except DevstackError as error:
        yield topic.skipped(f"its log cannot be read: {error.message}")
        return
    bad = [line for line in errors(service, lines) if not any(pattern.search(line) for pattern in allowed)]
    if bad:
        more = [f"... {len(bad) - MOST} more"] if len(bad) > MOST else []
        first = re.escape(ANY.split(bad[0].strip(), maxsplit=1)[-1].strip(": ")[:40] or bad[0].strip()[:40]).replace("\\ ", " ")
        fix = [f"devstack logs {service.name}", f"if it is harmless: verify: allow: {{logs: ['{first}']}}"]
        yield topic.failed(f"{len(bad)} of {len(lines)} lines", evidence=[*bad[:MOST], *more], fix=fix)
    else:
        yield topic.passed(f"{counted(len(lines), 'line')}, none an error")


def _written(ground: Ground, container: Container) -> list[str]:
    since = container.detail.started_at if container.detail else None
    return [ANSI.sub("", line) for line in lines_since(ground.engine, container.id, since)]


def errors(service: Service, lines: Sequence[str]) -> list[str]:
    """The lines that say that something went wrong; not those of a probe that came before the database was made."""
    made = max((index for index, line in enumerate(lines) if POSTGRES_MADE in line), default=0)
    early = made if isinstance(role_of(service), Postgres) else 0
    return [
        line
        for index, line in enumerate(lines)
        if is_error(service, line) and not (index < early and POSTGRES_ASKED_EARLY.search(line))
    ]


def is_error(service: Service, line: str) -> bool:
    """Whether a line says that something went wrong, by the manner of its program."""
    role = role_of(service)
    if isinstance(role, Postgres):
        return bool(POSTGRES.search(line)) and not POSTGRES_HARMLESS.search(line)
    if isinstance(role, Redis):
        return bool(REDIS.search(line)) and not REDIS_HARMLESS.search(line)
    return bool(ANY.search(line)) and not ANY_HARMLESS.search(line)
