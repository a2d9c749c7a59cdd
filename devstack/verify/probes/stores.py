"""Probes of databases and caches: a read-only query, a Redis command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TypeVar

from devstack.compose.model import Service
from devstack.compose.roles import Postgres, Redis, role_of
from devstack.errors import DevstackError
from devstack.spec.model import ProbeSpec
from devstack.spec.shapes import seconds_of
from devstack.verify.base import Answer, Ground
from devstack.verify.markers import redis_cli
from devstack.verify.probes.texts import problems, same, short, wishes
from devstack.words import counted

USUAL_TIMEOUT = 10.0
CHANGING = {
    "set",
    "del",
    "flushall",
    "flushdb",
    "lpush",
    "rpush",
    "hset",
    "incr",
    "expire",
    "xadd",
    "sadd",
    "zadd",
    "unlink",
    "shutdown",
}


def sql(ground: Ground, spec: ProbeSpec) -> Answer:
    """One query in a read-only transaction: a check cannot change what it looks at."""
    query = spec.text("query").strip().rstrip(";")
    expected = f"{query}: {_wish(spec)}"
    try:
        role = _only(ground, spec, Postgres)
        rows = _rows(ground, spec, role, query)
    except DevstackError as error:
        return Answer(expected=expected, saw=error.message, wrong=True, fix=error.hints)
    wrong = list(_unlike(spec, rows))
    evidence = tuple(" | ".join(row) for row in rows[:5])
    first = rows[0][0] if rows and rows[0] else "no row"
    return Answer(expected=expected, saw="; ".join(wrong) or f"it is {short(first)}", wrong=bool(wrong), evidence=evidence)


def _wish(spec: ProbeSpec) -> str:
    parts = [f"{spec.number('at_least'):g} or more"] if spec.number("at_least") is not None else []
    parts += [f"{spec.number('rows'):g} rows"] if spec.number("rows") is not None else []
    return ", ".join(filter(None, (*parts, wishes(spec))))


def _rows(ground: Ground, spec: ProbeSpec, role: Postgres, query: str) -> list[list[str]]:
    from devstack.database.connection import connect
    from devstack.database.reach import target_of

    container = ground.container(role.service)
    target = target_of(role, container, ground.engine.info.endpoint, spec.text("database") or role.database)
    limit = int((seconds_of(spec.text("timeout")) or USUAL_TIMEOUT) * 1000)
    with connect(target, application_name="devstack-verify") as connection:
        connection.rows(f"SET statement_timeout = {limit}")
        connection.rows("BEGIN READ ONLY")
        try:
            return [[_shown(value) for value in row] for row in connection.rows(query)]
        finally:
            if connection.in_transaction:
                connection.rows("ROLLBACK")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _unlike(spec: ProbeSpec, rows: list[list[str]]) -> Iterator[str]:
    first = rows[0][0] if rows and rows[0] else None
    if "equals" in spec.options and (first is None or not same(spec.options["equals"], first)):
        yield f"it is {short(first)}" if first is not None else "there is no row"
    least, count = spec.number("at_least"), spec.number("rows")
    if least is not None:
        try:
            number = float(first or "")
        except ValueError:
            yield f"it is no number: {short(first or '')}"
        else:
            if number < least:
                yield f"it is {first}"
    if count is not None and len(rows) != count:
        yield f"saw {counted(len(rows), 'row')}"
    text = "\n".join("|".join(row) for row in rows)
    yield from (f'"{wanted}" is in no row' for wanted in spec.texts("contains") if wanted not in text)


def redis(ground: Ground, spec: ProbeSpec) -> Answer:
    """A command and its answer; one that changes data is refused."""
    given = spec.options.get("command")
    words = [str(word) for word in given] if isinstance(given, list) else shlex.split(str(given))
    expected = f"{' '.join(words)}: {wishes(spec)}"
    if words[0].lower() in CHANGING:
        return Answer(expected=expected, saw=f"{words[0]} changes data; a check only looks", wrong=True)
    try:
        answer = redis_cli(ground, _only(ground, spec, Redis), words)
    except DevstackError as error:
        return Answer(expected=expected, saw=error.message, wrong=True, fix=error.hints)
    wrong = list(problems(spec, answer))
    return Answer(expected=expected, saw="; ".join(wrong) or short(answer), wrong=bool(wrong))


R = TypeVar("R", Postgres, Redis)


def _only(ground: Ground, spec: ProbeSpec, kind: type[R]) -> R:
    """The service that is named, or the only one of its kind."""
    named = spec.text("service")
    services: list[Service] = [ground.stack.services[named]] if named in ground.stack.services else []
    roles = [role_of(s, ground.stack.secrets) for s in (services if named else ground.enabled)]
    found = [role for role in roles if isinstance(role, kind)]
    if len(found) != 1:
        what = "PostgreSQL" if kind is Postgres else "Redis"
        said = f"{named} is no {what} that runs" if named else f"there are {len(found)} {what} services"
        raise DevstackError(said, hints=["name one: service: ..."])
    return found[0]
