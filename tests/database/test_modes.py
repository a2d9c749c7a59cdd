"""How files run that are no single transaction: one by one with progress, in their own transactions, across databases."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.database import ledger
from devstack.database.connection import Connection, connect
from devstack.database.creation import create_database
from devstack.database.scanner import parse
from devstack.database.target import Target
from devstack.errors import SqlError
from tests.database.running import entry, environment, run
from tests.database.server import tables

FILE = "db/a.sql"


def attempt(database: Connection, target: Target, root: Path, sql: str) -> None:
    run(database, FILE, environment(root, target), sql.encode())


def row(database: Connection) -> tuple[object, ...]:
    return database.rows("SELECT state, statements_done, sqlstate FROM devstack.schema_history WHERE path = %s", (FILE,))[0]


def test_a_failed_file_goes_on_at_the_statement_that_failed(target: Target, database: Connection, tmp_path: Path) -> None:
    sql = "create table t (n int);\ninsert into t values (1), (1);\ncreate unique index concurrently u on t (n);\ninsert into t values (5);"
    with pytest.raises(SqlError) as caught:
        attempt(database, target, tmp_path, sql)
    assert str(caught.value.where) == "db/a.sql:3:1"
    assert row(database) == ("failed", 2, "23505")
    database.rows("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)")
    attempt(database, target, tmp_path, sql)  # the invalid index that the first build left is built anew
    assert row(database) == ("applied", 4, None)
    assert database.rows("SELECT n FROM t ORDER BY 1") == [(1,), (5,)]
    assert database.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass") == [(True,)]


@pytest.mark.parametrize(
    ("before", "statement"),
    [
        ("create index concurrently i on t (n)", "create index concurrently i on t (n)"),
        ("drop index concurrently j", "drop index concurrently j"),
        ("vacuum t", "vacuum t"),
        ("alter table p detach partition p1 concurrently", "alter table p detach partition p1 concurrently"),
        ("create database DB_two", "create database DB_two"),
        ("drop database if exists DB_two", "drop database DB_two"),
    ],
)
def test_a_statement_that_ran_before_the_kill_is_not_run_twice(
    before: str, statement: str, target: Target, database: Connection, tmp_path: Path
) -> None:
    first = (
        "create table t (n int);create index j on t (n);"
        "create table p (n int) partition by range (n);create table p1 partition of p for values from (0) to (9);"
    )
    sql = f"{first}\n{statement};\ncreate table last (n int);".replace("DB", target.database)
    script = parse(sql.encode(), FILE)
    assert not script.transactional
    ledger.create(database)
    for part in first.rstrip(";").split(";"):
        database.rows(part)
    # what a run leaves that was killed after the fifth statement and before its progress was noted
    database.rows(ledger.insert(database, entry(FILE, sql.encode()), state="running", milliseconds=None, statements=6))
    ledger.progress(database, FILE, 4)
    database.rows(before.replace("DB", target.database))
    attempt(database, target, tmp_path, sql)
    assert row(database) == ("applied", 6, None)
    assert "last" in tables(database)


def test_a_table_of_the_same_name_is_not_taken_for_our_own_work(target: Target, database: Connection, tmp_path: Path) -> None:
    database.rows("CREATE TABLE t (n int)")
    database.rows("CREATE INDEX i ON t (n)")
    for _ in range(2):
        with pytest.raises(SqlError) as caught:
            attempt(database, target, tmp_path, "create index concurrently i on t (n);")
        assert caught.value.code == "sql 42P07"


def test_settings_of_the_statements_that_ran_hold_when_a_file_goes_on(target: Target, database: Connection, tmp_path: Path) -> None:
    sql = "create schema s;\nset search_path = s;\nvacuum;\ncreate table here (n int);\nselect 1/n from boom;"
    with pytest.raises(SqlError):
        attempt(database, target, tmp_path, sql)
    database.rows("CREATE TABLE s.boom AS SELECT 1 AS n")
    attempt(database, target, tmp_path, sql + "\ncreate table there (n int);")
    assert database.rows("SELECT relname FROM pg_class WHERE relnamespace = 's'::regnamespace ORDER BY 1") == [
        ("boom",),
        ("here",),
        ("there",),
    ]
    assert database.rows("SHOW search_path") == [('"$user", public',)]


def test_a_failure_in_the_files_own_transaction_rolls_back_to_its_begin(
    target: Target, database: Connection, tmp_path: Path
) -> None:
    sql = "begin;\ncreate table a (n int);\ncommit;\nbegin;\ncreate table b (n int);\ninsert into a values ('x');\ncommit;"
    with pytest.raises(SqlError) as caught:
        attempt(database, target, tmp_path, sql)
    assert str(caught.value.where) == "db/a.sql:6:23"
    assert (tables(database), row(database)[1]) == (["a"], 3)
    assert not database.in_transaction
    attempt(database, target, tmp_path, sql.replace("'x'", "7"))
    assert (tables(database), row(database)) == (["a", "b"], ("applied", 7, None))


def test_a_file_that_ends_inside_its_transaction_is_not_called_applied(
    target: Target, database: Connection, tmp_path: Path
) -> None:
    with pytest.raises(SqlError, match="ends inside its own transaction"):
        attempt(database, target, tmp_path, "select 1;\nbegin;\ncreate table a (n int);\n")
    assert (tables(database), row(database)[0]) == ([], "failed")


def test_progress_is_noted_whatever_role_the_file_has_taken_on(target: Target, database: Connection, tmp_path: Path) -> None:
    sql = (
        "create table t (n int);\ngrant all on t to pg_monitor;\nset role pg_monitor;\ninsert into t values (1);\n"
        "begin;\ninsert into t values (2);\ncommit;\nreset role;\nvacuum;"
    )
    attempt(database, target, tmp_path, sql)
    assert row(database) == ("applied", 9, None)
    assert database.rows("SELECT n FROM t") == [(1,), (2,)]


def test_what_follows_connect_goes_to_the_other_database(target: Target, database: Connection, tmp_path: Path) -> None:
    other = f"{target.database}_other"
    attempt(
        database, target, tmp_path,
        f"create table here (n int);\ncreate database {other};\n\\connect {other}\ncreate table there (n int);\n"
        f"copy there from stdin;\n1\n\\.\n\\c {target.database}\ncreate table back (n int);\n",
    )  # fmt: skip
    assert tables(database) == ["back", "here"]
    with connect(replace(target, database=other), application_name="test") as connection:
        assert connection.rows("SELECT n FROM there") == [(1,)]
    assert row(database) == ("applied", 5, None)


def test_an_error_in_the_other_database_is_placed_and_the_file_goes_on_there(
    target: Target, database: Connection, tmp_path: Path
) -> None:
    other = replace(target, database=f"{target.database}_o")
    create_database(other, application_name="test")
    sql = f"create table here (n int);\n\\c {other.database}\ncreate table there (n int);\nselect nope;\n"
    with pytest.raises(SqlError) as caught:
        attempt(database, target, tmp_path, sql)
    assert str(caught.value.where) == "db/a.sql:4:8"
    attempt(database, target, tmp_path, sql.replace("nope", "1"))
    assert row(database) == ("applied", 3, None)


def test_connecting_to_a_database_that_is_not_there_is_placed(target: Target, database: Connection, tmp_path: Path) -> None:
    with pytest.raises(SqlError, match="has no database nowhere") as caught:
        attempt(database, target, tmp_path, "select 1;\n  \\connect nowhere\nselect 2;\n")
    assert str(caught.value.where) == "db/a.sql:2:3"


def test_a_files_timeout_cancels_on_the_server_and_says_where(target: Target, database: Connection, tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(SqlError, match=r"timeout of 0\.3 s") as caught:
        attempt(database, target, tmp_path, "-- devstack: timeout=300ms\ncreate table t (n int);\nselect pg_sleep(30);\n")
    assert time.monotonic() - begun < 5
    assert str(caught.value.where) == "db/a.sql:3:1"
    assert tables(database) == []
    attempt(database, target, tmp_path, "-- devstack: timeout=30s\ncreate table t (n int);")


def test_a_files_lock_timeout_ends_the_wait_and_names_the_holder(target: Target, database: Connection, tmp_path: Path) -> None:
    database.rows("CREATE TABLE t (n int)")
    with connect(target, application_name="somebody") as holder:
        holder.run("BEGIN; LOCK TABLE t")
        with pytest.raises(SqlError) as caught:
            attempt(database, target, tmp_path, "-- devstack: lock_timeout=100ms\nselect 1;\nalter table t add m int;\n")
    assert caught.value.code == "sql 55P03"
    assert "somebody" in dict(caught.value.details)["held by"]
    assert database.rows("SHOW lock_timeout") == [("10s",)]


def test_nothing_of_one_file_is_left_in_the_session_for_the_next(target: Target, database: Connection, tmp_path: Path) -> None:
    attempt(
        database, target, tmp_path,
        "create sequence s; select nextval('s'); set search_path = ''; set role pg_monitor; reset role; prepare p as select 1; listen x;"
        "create temp table scratch (n int); declare h cursor with hold for select 1; select pg_advisory_lock(99); set role pg_monitor;",
    )  # fmt: skip
    state = database.rows(
        "SELECT current_setting('search_path'), current_user = session_user, (SELECT count(*) FROM pg_prepared_statements),"
        " (SELECT count(*) FROM pg_cursors), (SELECT count(*) FROM pg_listening_channels()), to_regclass('pg_temp.scratch')::text,"
        " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"
    )
    assert state == [('"$user", public', True, 0, 0, 0, None, 0)]


def test_an_interrupt_in_statement_mode_keeps_what_ran_and_goes_on_later(target: Target, postgres: object, tmp_path: Path) -> None:
    pressed = threading.Event()
    sql = "create table t (n int);\nvacuum t;\nselect pg_sleep(20);\ncreate table u (n int);"
    with connect(target, application_name="test", interrupted=pressed.is_set) as connection:
        threading.Timer(0.6, pressed.set).start()
        with pytest.raises(KeyboardInterrupt):
            attempt(connection, target, tmp_path, sql)
    with connect(target, application_name="test") as connection:
        assert row(connection)[:2] == ("running", 2)
        attempt(connection, target, tmp_path, sql.replace("20", "0"))
        assert row(connection) == ("applied", 4, None)


def test_a_deferred_constraint_speaks_up_at_the_commit_and_nothing_stays(
    target: Target, database: Connection, tmp_path: Path
) -> None:
    table = "create table a (n int primary key, b int references a deferrable initially deferred);"
    with pytest.raises(SqlError) as caught:
        attempt(database, target, tmp_path, f"{table}\ninsert into a values (1, 2);")
    assert (caught.value.code, str(caught.value.where)) == ("sql 23503", FILE)
    assert tables(database) == []


def test_the_ledger_counts_how_long_a_file_took(target: Target, database: Connection, tmp_path: Path) -> None:
    attempt(database, target, tmp_path, "select pg_sleep(0.2);")
    ((milliseconds,),) = database.rows("SELECT duration_ms FROM devstack.schema_history")
    assert 190 <= milliseconds < 3000
