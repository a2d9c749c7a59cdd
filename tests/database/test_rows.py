"""How many rows a database holds is told rightly where the server itself does not know."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from devstack.database import rows
from devstack.database.connection import Connection, connect
from devstack.database.rows import count
from devstack.database.stats import gather
from devstack.database.target import Target
from tests.database.server import Server

TABLES = '''
CREATE SCHEMA "odd Name";
CREATE TABLE "odd Name"."a ""table""" AS SELECT n FROM generate_series(1, 70) n;
CREATE TABLE many AS SELECT n FROM generate_series(1, 3000) n;
CREATE TABLE nothing (id int);
'''


def held(connection: Connection) -> tuple[int, int | None, bool]:
    found = rows.total(connection)
    assert found.size > 7_000_000
    return found.tables, found.rows, found.exact


@pytest.fixture
def copied(postgres: Server, target: Target) -> Target:
    """A database copied file by file: the server's counters know nothing of it."""
    with connect(target, application_name="test") as connection:
        assert connection.run(TABLES) is None
    with connect(replace(target, database="postgres"), application_name="test") as connection:
        connection.rows(f"CREATE DATABASE {target.database}_copied TEMPLATE {target.database}")
    return replace(target, database=f"{target.database}_copied")


def test_the_rows_of_a_copied_database_are_counted(copied: Target) -> None:
    with connect(copied, application_name="test") as connection:
        assert held(connection) == (3, 3070, True)
        tables = next(section for section in gather(connection, limit=10) if section.name == "tables")
        assert {line[0]: line[1] for line in tables.rows} == {'odd Name.a "table"': 70, "many": 3000, "nothing": 0}


def test_of_a_large_database_only_what_the_server_does_not_know_is_counted(copied: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "SMALL", 0)
    with connect(copied, application_name="test") as connection:
        assert held(connection) == (3, 3070, False)
        connection.rows("ANALYZE many")
        connection.rows("DELETE FROM many WHERE n > 2990")
        assert held(connection) == (3, 3070, False)


def test_counting_gives_up_and_leaves_the_session_as_it_was(copied: Target) -> None:
    with connect(copied, application_name="test") as holder, connect(copied, application_name="test") as connection:
        holder.rows("BEGIN")
        holder.rows("LOCK TABLE many IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        assert count(connection, ["many"]) is None
        assert 1.5 < time.monotonic() - started < 6
        assert connection.rows("SHOW statement_timeout") == [("0",)]
        assert held(connection) == (3, None, False)
        seen = {section.name: section.rows for section in gather(connection, limit=10)}
        assert {line[0]: line[1:3] for line in seen["tables"]}["many"] == (None, None)
        holder.rows("ROLLBACK")
        assert count(connection, ["many"]) == [3000]
