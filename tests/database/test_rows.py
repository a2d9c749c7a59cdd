"""How many rows a database holds is told rightly where the server itself does not know."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from devstack.database.connection import connect
from devstack.database.rows import count, total
from devstack.database.stats import gather
from devstack.database.target import Target
from tests.database.server import Server

TABLES = '''
CREATE SCHEMA "odd Name";
CREATE TABLE "odd Name"."a ""table""" AS SELECT n FROM generate_series(1, 70) n;
CREATE TABLE many AS SELECT n FROM generate_series(1, 3000) n;
CREATE TABLE nothing (id int);
'''


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
        assert total(connection) == (3, 3070)
        tables = next(section for section in gather(connection, limit=10) if section.name == "tables")
        assert {line[0]: line[1] for line in tables.rows} == {'odd Name.a "table"': 70, "many": 3000, "nothing": 0}


def test_an_estimate_of_the_server_is_taken_where_it_has_one(copied: Target) -> None:
    with connect(copied, application_name="test") as connection:
        connection.rows("ANALYZE")
        connection.rows("DELETE FROM many WHERE n > 2990")
        assert total(connection) == (3, 3070)


def test_counting_gives_up_and_leaves_the_session_as_it_was(copied: Target) -> None:
    with connect(copied, application_name="test") as holder, connect(copied, application_name="test") as connection:
        holder.rows("BEGIN")
        holder.rows("LOCK TABLE many IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        assert count(connection, ["many"]) is None
        assert 1.5 < time.monotonic() - started < 6
        assert connection.rows("SHOW statement_timeout") == [("0",)]
        assert total(connection) == (3, None)
        seen = {section.name: section.rows for section in gather(connection, limit=10)}
        assert {line[0]: line[1:3] for line in seen["tables"]}["many"] == (None, None)
        holder.rows("ROLLBACK")
        assert count(connection, ["many"]) == [3000]
