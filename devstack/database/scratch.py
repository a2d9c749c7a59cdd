"""A database made from nothing by all the files, to compare with: fresh, for a moment, on the same server."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from devstack.database.apply import RunTool, Wish, apply
from devstack.database.connection import Connection, connect
from devstack.database.creation import create_database, maintenance
from devstack.database.files import SchemaFiles
from devstack.database.fingerprint import fingerprint
from devstack.database.outcome import StatementRefused
from devstack.database.target import Target
from devstack.errors import DevstackError

if TYPE_CHECKING:
    from devstack.database.psql_engine import Psql

APPLICATION = "devstack-scratch"
PREFIX = "devstack_scratch_"

_HEX = re.compile(r"[0-9a-f]+")
_MOMENT = 60.0

ToolFor = Callable[[str], RunTool]
"""Gives what runs the project's tool on a database of that name."""


@contextmanager
def scratch(target: Target) -> Iterator[Target]:
    """An empty database like the target's, dropped at the end. Those that a killed command left are dropped too."""
    made = replace(target, database=f"{PREFIX}{int(time.time()):x}_{secrets.token_hex(4)}")
    with maintenance(target, application_name=APPLICATION) as server:
        _sweep(server)
    create_database(made, application_name=APPLICATION, like=target.database)
    try:
        # As long as this session stands nobody takes the database for one that was left behind.
        with connect(made, application_name=APPLICATION):
            yield made
    finally:
        with maintenance(target, application_name=APPLICATION) as server:
            _drop(server, made.database)


def fresh_fingerprint(
    target: Target, files: SchemaFiles, *, tool_for: ToolFor | None = None, psql: Psql | None = None
) -> tuple[str, ...]:
    """What the files make of an empty database, as facts. Seeds are left out: they are data."""
    with scratch(target) as made:
        wanted = replace(files, database=made.database, seeds=())
        wish = Wish(seeds=False, run_tool=tool_for(made.database) if tool_for else None, psql=psql)
        try:
            applied = apply(made, wanted, wish=wish)
        except DevstackError as error:
            error.details = (*error.details, ("meanwhile", f"building {files.place} from nothing, in a scratch database"))
            raise
        if applied.tool and not applied.head and applied.tool != "command":
            raise DevstackError(
                f"{applied.tool} did not migrate the scratch database: it does not connect to what DATABASE_URL says",
                hints=["let the tool's configuration take its address from DATABASE_URL"],
                code="schema-tool",
            )
        with connect(made, application_name=APPLICATION) as connection:
            return fingerprint(connection)


def _sweep(server: Connection) -> None:
    """Drop those whose maker is gone; one that is a moment old may only not be connected to yet."""
    left = server.rows(
        "SELECT datname FROM pg_database d WHERE starts_with(datname, %s) "
        "AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)",
        (PREFIX,),
    )
    for (name,) in left:
        made = name.removeprefix(PREFIX).partition("_")[0]
        if not _HEX.fullmatch(made) or time.time() - int(made, 16) > _MOMENT:
            _drop(server, name)


def _drop(server: Connection, name: str) -> None:
    try:
        server.rows(f"DROP DATABASE IF EXISTS {server.identifier(name)} WITH (FORCE)")
    except StatementRefused:
        server.rows(f"DROP DATABASE IF EXISTS {server.identifier(name)}")  # PostgreSQL 12 and older know no FORCE
