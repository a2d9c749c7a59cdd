"""Loading a dump into a new database, as a role that may do nothing outside of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from devstack.database import screening
from devstack.database.cluster import LOADER, Cluster
from devstack.database.connection import Connection, connect
from devstack.database.credentials import verifier
from devstack.database.fault import sql_error
from devstack.database.outcome import StatementRefused
from devstack.database.screening import Extension, Screened
from devstack.database.script import Script
from devstack.database.sending import send
from devstack.database.target import Target
from devstack.errors import DevstackError

APPLICATION = "devstack-load"
OnPart = Callable[[int], None]
"""Told how many characters of the script have been run."""
_KNOWN = """
SELECT e.name, e.installed_version IS NOT NULL, bool_or(v.trusted)
FROM pg_available_extensions e JOIN pg_available_extension_versions v USING (name) WHERE e.name = ANY(%s) GROUP BY 1, 2
"""
_NO_RIGHTS = "42501"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was done: how many statements were run, which extensions made, how many owners left out."""

    statements: int
    extensions: tuple[str, ...]
    owners: int


def load(cluster: Cluster, work: str, live: str, script: Script, *, trusted: bool, on_part: OnPart) -> Loaded:
    """Fill a work database. `live` is the database it is to replace: what extensions that has, the new one may have too.

    `trusted` runs the script as the stack's own user. Raises DevstackError "load-refused", SqlError; the caller drops the database.
    """
    owner = cluster.target.user
    if trusted:
        with connect(cluster.at(work), application_name=APPLICATION) as connection:
            count = _run(connection, script, on_part)
        return Loaded(statements=count, extensions=(), owners=0)
    screened = screening.screen(script)
    with connect(cluster.at(work), application_name=APPLICATION) as ours, _loader(cluster, ours, work) as target:
        names = _make_extensions(ours, cluster, live, screened, target.user)
        with connect(target, application_name=APPLICATION) as connection:
            count = _run(connection, screened.script, on_part)
        if target.user != owner:
            _must(ours, f"REASSIGN OWNED BY {ours.identifier(target.user)} TO {ours.identifier(owner)}")
        for statement in screened.defaults:
            _must(ours, statement.text)
    return Loaded(statements=count, extensions=names, owners=screened.owners)


@contextmanager
def _loader(cluster: Cluster, ours: Connection, work: str) -> Iterator[Target]:
    """A login role that owns the work database, and is gone afterwards. A user that is no superuser loads as itself."""
    target = cluster.at(work)
    if not ours.rows("SELECT rolsuper FROM pg_roles WHERE rolname = session_user")[0][0]:
        yield target
        return
    user, password = f"{LOADER}{secrets.token_hex(6)}", secrets.token_urlsafe(18)
    name = ours.identifier(user)
    before = ours.rows("SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()")[0][0]
    _must(ours, f"CREATE ROLE {name} LOGIN PASSWORD {ours.literal(verifier(password))}")
    try:
        _must(ours, f"ALTER DATABASE {ours.identifier(work)} OWNER TO {name}")
        yield replace(target, user=user, password=password)
        _must(ours, f"ALTER DATABASE {ours.identifier(work)} OWNER TO {before}")
    finally:
        ours.run(f"ALTER DATABASE {ours.identifier(work)} OWNER TO {before}")
        ours.run(f"DROP OWNED BY {name}")
        ours.run(f"DROP ROLE {name}")


def _make_extensions(ours: Connection, cluster: Cluster, live: str, screened: Screened, loader: str) -> tuple[str, ...]:
    """Make the extensions that the live database has or that anybody may make. Raises DevstackError for others."""
    wanted = {_plain(extension.name): extension for extension in screened.extensions}
    if not wanted:
        return ()
    known = {name: bool(safe) for name, _, safe in ours.rows(_KNOWN, (list(wanted),))}
    installed: set[str] = set()
    if cluster.has(live):
        with connect(cluster.at(live), application_name=APPLICATION) as connection:
            installed = {str(name) for (name,) in connection.rows("SELECT extname FROM pg_extension")}
    refused = [e for name, e in wanted.items() if name not in installed and not known.get(name, False)]
    if refused:
        raise _no_extension(refused, set(known))
    for extension in wanted.values():
        if extension.schema:
            _must(ours, f"CREATE SCHEMA IF NOT EXISTS {extension.schema} AUTHORIZATION {ours.identifier(loader)}")
        where = f" WITH SCHEMA {extension.schema}" if extension.schema else ""
        _must(ours, f"CREATE EXTENSION IF NOT EXISTS {extension.name}{where}")
    return tuple(wanted)


def _no_extension(refused: list[Extension], known: set[str]) -> DevstackError:
    lines = [
        f"{e.where} {_plain(e.name)}: {'it needs a superuser' if _plain(e.name) in known else 'the image does not have it'}"
        for e in refused
    ]
    return DevstackError(
        "the dump wants extensions that the live database does not have",
        details=[("extensions", "\n".join(lines)), ("so far", "nothing was loaded")],
        hints=["make them in a migration first", "devstack db load --trust FILE   (runs the dump as the database's own user)"],
        code="load-refused",
    )


def _run(connection: Connection, script: Script, on_part: OnPart) -> int:
    connection.rows("SET synchronous_commit = off")
    count = 0
    for segment in screening.segments(script):
        failure = send(connection, segment)
        if failure is not None:
            error = sql_error(script, failure.fault, failure.place, "nothing was loaded; the live database is as it was")
            if failure.fault.sqlstate == _NO_RIGHTS:
                error.hints = ("a dump that you trust: devstack db load --trust FILE   (runs it as the database's own user)",)
            raise error
        count += len(segment.statements)
        on_part(max(segment.end, segment.copy[1] if segment.copy else 0))
    return count


def _must(connection: Connection, statement: str) -> None:
    fault = connection.run(statement)
    if fault is not None:
        raise StatementRefused(fault)


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
