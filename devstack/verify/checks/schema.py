"""schema: every file is applied and as it was applied, what they made is whole, and what runs is what they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.bring_up import postgres_of
from devstack.compose.model import Stack
from devstack.engine.base import Container
from devstack.errors import DevstackError
from devstack.spec.model import SchemaSpec
from devstack.verify.base import Ground, Topic
from devstack.verify.model import Result, Severity
from devstack.words import counted

if TYPE_CHECKING:
    from devstack.database.connection import Connection
    from devstack.database.target import Target

MOST = 20
"""Lines of a difference that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One database to look at: on the stack under test, or (`running`) on the one that runs."""

    spec: SchemaSpec
    stack: Stack
    database: str
    container: Container
    target: Target
    running: bool

    @property
    def of(self) -> str:
        return f"{self.spec.service}.{self.database}{'.running' if self.running else ''}"

    @property
    def words(self) -> str:
        return f"{self.spec.service}/{self.database}{' as it runs now' if self.running else ''}"

    def topic(self, check: str, title: str, expected: str, severity: Severity = Severity.ERROR) -> Topic:
        service = self.spec.service
        return Topic(
            check=check, of=self.of, title=title, service=service, expected=expected, where=self.spec.where, severity=severity
        )


def places(ground: Ground) -> Iterator[Place]:
    """The databases that have a schema: of the stack under test, then of the running one."""
    from devstack.database.reach import target_of

    spec = ground.spec
    under_test = ground.look() if spec and spec.schema else None
    for item in spec.schema if spec else ():
        for stack, observed, running in ((ground.stack, under_test, False), (ground.declared, ground.running, True)):
            container = next((c for c in observed.of(item.service) if c.running), None) if observed is not None else None
            if container is not None:
                role = postgres_of(stack, item.service)
                database = item.database or role.database
                target = target_of(role, container, ground.engine.info.endpoint, database)
                yield Place(spec=item, stack=stack, database=database, container=container, target=target, running=running)


def applied(ground: Ground) -> Iterator[Result]:
    """The files against the database's own ledger."""
    found = [_applied(ground, place) for place in places(ground)]
    yield from found or [Topic(check="schema.applied", title="schema applied").skipped("devstack.yml names no schema")]


def _applied(ground: Ground, place: Place) -> Result:
    from devstack.bring_up.schema import wanted_of
    from devstack.database import schema

    assert ground.spec is not None
    topic = place.topic("schema.applied", f"schema of {place.words}", "every file applied, none edited since")
    try:
        states = schema.status(place.target, wanted_of(ground.engine, place.stack, ground.spec, place.spec))
    except DevstackError as error:
        return topic.error(error)
    other = [state for state in states if state.state not in schema.CLEAN and state.kind != "seed"]
    if not other:
        return topic.passed(f"{len(states)} of {len(states)} applied")
    edited = any(state.state == "edited" for state in other)
    return topic.failed(
        f"{', '.join(f'{state.path} is {state.state}' for state in other[:3])}",
        evidence=[f"{state.path}: {state.state} {state.note}".rstrip() for state in other],
        fix=["write the change as a new file, and put the old one back as it was"] if edited else ["devstack up"],
    )


_INDEXES = """
SELECT format('%I.%I on %I', n.nspname, i.relname, t.relname)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = i.relnamespace
WHERE NOT (x.indisvalid AND x.indisready) AND i.relkind = 'i' AND n.nspname !~ '^pg_' ORDER BY 1"""
# A partitioned parent (relkind I) is invalid until all its partitions have theirs, which may be meant.
_CONSTRAINTS = """
SELECT format('constraint %I on %s was never checked on the rows that were there (NOT VALID)', conname, conrelid::regclass)
FROM pg_constraint WHERE NOT convalidated AND conrelid <> 0
UNION ALL
SELECT format('trigger %I on %s is disabled', tgname, tgrelid::regclass) FROM pg_trigger WHERE tgenabled = 'D' AND NOT tgisinternal
ORDER BY 1"""


def indexes(ground: Ground) -> Iterator[Result]:
    """No index that a failed CREATE INDEX CONCURRENTLY has left: it costs on every write and answers nothing."""
    for place in places(ground):
        topic = place.topic("schema.indexes", f"indexes of {place.words}", "every index is valid")
        yield _asked(place, topic, _INDEXES, "invalid", "REINDEX INDEX CONCURRENTLY, or DROP INDEX and make it again")


def constraints(ground: Ground) -> Iterator[Result]:
    """Constraints that hold for all rows, triggers that fire."""
    for place in places(ground):
        topic = place.topic(
            "schema.constraints", f"constraints and triggers of {place.words}", "all are in force", Severity.WARNING
        )
        yield _asked(place, topic, _CONSTRAINTS, "not in force", "ALTER TABLE ... VALIDATE CONSTRAINT, or ENABLE TRIGGER")


def _asked(place: Place, topic: Topic, query: str, what: str, fix: str) -> Result:
    def ask(connection: Connection) -> list[str]:
        return [str(row[0]) for row in connection.rows(query)]

    try:
        lines = _with(place, ask)
    except DevstackError as error:
        return topic.error(error)
    return topic.failed(f"{len(lines)} {what}", evidence=lines, fix=[fix]) if lines else topic.passed()


def _with(place: Place, ask: Callable[[Connection], list[str]]) -> list[str]:
    from devstack.database.connection import connect

    with connect(place.target, application_name="devstack-verify") as connection:
        return ask(connection)


def facts(place: Place) -> frozenset[str]:
    """The database's catalog, one fact a line; without what verify itself writes as a marker."""
    from devstack.database.fingerprint import fingerprint

    return frozenset(line for line in _with(place, lambda c: list(fingerprint(c))) if "devstack_probe" not in line)


def catalog(ground: Ground) -> Iterator[Result]:
    """The database that runs has the very catalog that the files make on a fresh one."""
    found = list(places(ground))
    fresh = {(p.spec.service, p.database): p for p in found if not p.running}
    for running in found:
        other = fresh.get((running.spec.service, running.database))
        if running.running and other is not None:
            yield _same(running, other)


def _same(running: Place, fresh: Place) -> Result:
    topic = running.topic("schema.catalog", f"catalog of {running.words}", "the catalog of a fresh database with all files applied")
    try:
        now, wanted = facts(running), facts(fresh)
    except DevstackError as error:
        return topic.error(error)
    if now == wanted:
        return topic.passed(f"{counted(len(now), 'fact')}, all equal to a fresh database's")
    return topic.failed(
        f"{counted(len(wanted - now), 'thing')} missing, {len(now - wanted)} there that no file makes",
        evidence=difference(wanted, now),
        fix=["write what was done by hand as a SQL file", "devstack reset makes the database anew (and keeps a snapshot)"],
    )


def difference(wanted: frozenset[str], now: frozenset[str]) -> list[str]:
    """What is missing (-) and what is too much (+), cut to what a person reads."""
    lines = [f"- {line}" for line in sorted(wanted - now)] + [f"+ {line}" for line in sorted(now - wanted)]
    return [*lines[:MOST], *([f"... {len(lines) - MOST} more"] if len(lines) > MOST else [])]


def orm(ground: Ground) -> Iterator[Result]:
    """The models of the project's own tool say what the database has (`alembic check` and its like)."""
    from devstack.bring_up.tool import Tool

    for place in places(ground):
        if place.running or place.spec.tool is None:
            continue
        tool = Tool(ground.engine, place.stack, place.spec.tool, postgres_of(place.stack, place.spec.service), place.database)
        name = place.spec.tool.name
        topic = place.topic("schema.orm", f"models of {name} and {place.words}", "nothing to generate")
        command = tool.command("drift")
        if not command:
            yield topic.skipped(f"{name} has no command for it; schema: drift: names one")
            continue
        try:
            ended = tool.run("drift")
        except DevstackError as error:
            yield topic.error(error)
            continue
        if ended.code == 0:
            yield topic.passed(f"{' '.join(command)} ends with 0")
        else:
            said = f"{' '.join(command)} ends with {ended.code}"
            yield topic.failed(said, evidence=ended.lines[-MOST:], fix=["write the migration that is missing"])
