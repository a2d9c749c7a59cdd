"""The schema step on a real server: what is applied, remembered, refused and left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.database import ledger
from devstack.database.connection import Connection, connect
from devstack.database.schema import SchemaFiles, apply, status
from devstack.database.target import Target
from devstack.errors import DevstackError, Locked, SpecError, SqlError
from tests.database.server import Server, tables

Schema = Callable[..., SchemaFiles]


def states(target: Target, files: SchemaFiles) -> dict[str, str]:
    return {state.path: state.state for state in status(target, files)}


def test_files_are_applied_in_order_and_remembered(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(a="create table a (id int primary key);", b="create table b (a_id int references a);")
    assert states(target, files) == {"db/a.sql": "pending", "db/b.sql": "pending"}
    applied = apply(target, files)
    assert [result.path for result in applied.applied] == ["db/a.sql", "db/b.sql"]
    assert states(target, files) == {"db/a.sql": "applied", "db/b.sql": "applied"}
    assert tables(database) == ["a", "a_pkey", "b"]


def test_a_second_apply_changes_nothing(target: Target, schema: Schema) -> None:
    files = schema(a="create table a (id int);")
    apply(target, files)
    again = apply(target, files)
    assert again.applied == ()
    assert again.unchanged == 1


def test_a_new_file_is_applied_even_when_it_sorts_before_others(target: Target, schema: Schema) -> None:
    apply(target, schema(b="create table b (id int);"))
    applied = apply(target, schema(a="create table a (id int);", b="create table b (id int);"))
    assert [result.path for result in applied.applied] == ["db/a.sql"]


def test_a_failing_file_leaves_the_database_as_before_it(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(
        a="create table a (id int);",
        b="create table b (id int);\ninsert into b values (1);\ninsert into b values ('x');",
        c="create table c (id int);",
    )
    with pytest.raises(SqlError) as caught:
        apply(target, files)
    assert str(caught.value.where) == "db/b.sql:3:23"
    assert dict(caught.value.details)["state"] == (
        f"db/{target.database} is as it was before this file: 1 applied, 1 failed, 1 pending."
    )
    assert tables(database) == ["a"]
    assert states(target, files) == {"db/a.sql": "applied", "db/b.sql": "pending", "db/c.sql": "pending"}


def test_after_the_fix_apply_goes_on_where_it_stopped(target: Target, schema: Schema, database: Connection) -> None:
    with pytest.raises(SqlError):
        apply(target, schema(a="create table a (id int);", b="create tabel b (id int);"))
    applied = apply(target, schema(a="create table a (id int);", b="create table b (id int);"))
    assert [result.path for result in applied.applied] == ["db/b.sql"]
    assert tables(database) == ["a", "b"]


def test_an_edited_file_is_refused_with_checksums_and_diff(target: Target, schema: Schema, database: Connection) -> None:
    apply(target, schema(a="create table a (id int);\n-- end\n"))
    files = schema(a="create table a (id bigint);\n-- end\n", b="create table b (id int);")
    with pytest.raises(DevstackError) as caught:
        apply(target, files)
    error = caught.value
    assert error.code == "schema-edited"
    texts = dict(error.details)
    assert texts["db/a.sql"].count("sha256-lf:") == 2
    assert "-create table a (id int);\n+create table a (id bigint);" in texts["db/a.sql"]
    assert any("devstack reset" in hint for hint in error.hints)
    assert states(target, files) == {"db/a.sql": "edited", "db/b.sql": "pending"}
    assert tables(database) == ["a"]


def test_line_ends_and_byte_order_mark_are_no_edit(target: Target, schema: Schema) -> None:
    apply(target, schema(a="create table a (id int);\n-- é\n"))
    files = schema(a=b"\xef\xbb\xbfcreate table a (id int);\r\n-- \xc3\xa9\r\n")
    assert states(target, files) == {"db/a.sql": "applied"}


def test_a_missing_file_is_noted_and_stops_nothing(target: Target, schema: Schema) -> None:
    apply(target, schema(a="create table a (id int);", b="create table b (id int);"))
    files = schema(b="create table b (id int);", c="create table c (id int);")
    applied = apply(target, files)
    assert applied.missing == ("db/a.sql",)
    assert states(target, files) == {"db/b.sql": "applied", "db/c.sql": "applied", "db/a.sql": "missing"}


def test_an_empty_file_is_recorded(target: Target, schema: Schema) -> None:
    files = schema(a="", b="-- nothing yet\n/* at all */\n", c=";;\n")
    assert len(apply(target, files).applied) == 3
    assert set(states(target, files).values()) == {"applied"}


def test_all_files_are_checked_before_the_first_is_run(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(a="create table a (id int);", b="select 'open", c="select ('")
    with pytest.raises(SpecError) as caught:
        apply(target, files)
    assert [str(problem.where) for problem in caught.value.problems] == ["db/b.sql:1:8", "db/c.sql:1:9"]
    assert tables(database) == []


def test_the_database_is_made_when_the_server_lacks_it(target: Target, schema: Schema) -> None:
    other = replace(target, database=f'{target.database} "two"')
    files = schema(a="create table a (id int);")
    assert states(other, files) == {"db/a.sql": "pending"}
    applied = apply(other, files)
    assert applied.created_database
    with connect(other, application_name="test") as connection:
        assert tables(connection) == ["a"]
        owner = connection.rows("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()")
        assert owner == [("shop",)]


def test_what_a_file_sets_does_not_reach_the_next(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(
        a="create schema other; set search_path = other; set client_encoding = 'LATIN1';"
        f" create role {target.database}_r; set role {target.database}_r;"
        " prepare p as select 1; create temp table mine (id int);",
        b="create table plain (note text default 'é'); prepare p as select 2; create temp table mine (id text);"
        " do $$ begin if current_user <> 'shop' then raise exception 'still %', current_user; end if; end $$;",
    )
    apply(target, files)
    assert tables(database) == ["plain"]
    assert database.rows("SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'plain'::regclass") == [("'é'::text",)]


def test_a_files_own_begin_and_commit_are_the_transaction_it_gets_anyway(
    target: Target, schema: Schema, database: Connection
) -> None:
    files = schema(a="-- framed\nBEGIN;\ncreate table a (id int);\nselect nothing;\nCOMMIT;\n")
    with pytest.raises(SqlError) as caught:
        apply(target, files)
    assert str(caught.value.where) == "db/a.sql:4:8"
    assert tables(database) == []
    apply(target, schema(a="-- framed\nBEGIN;\ncreate table a (id int);\nCOMMIT;\n"))
    assert tables(database) == ["a"]


def test_notices_are_passed_on(target: Target, schema: Schema) -> None:
    heard: list[tuple[str, str, str]] = []
    apply(
        target, schema(a="do $$ begin raise warning 'mind the gap'; end $$;"), on_file=lambda *said: heard.append((*said, "")[:3])
    )
    assert ("db/a.sql", "notice", "WARNING: mind the gap") in heard
    assert [state for _, state, _ in heard] == ["running", "notice", "applied"]


def test_a_deferred_constraint_fails_the_file_at_its_end(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(
        a="create table a (id int primary key);\n"
        "create table b (a_id int references a deferrable initially deferred);\ninsert into b values (7);\n"
    )
    with pytest.raises(SqlError) as caught:
        apply(target, files)
    assert caught.value.code == "sql 23503"
    assert tables(database) == []


def test_two_applies_at_once_apply_once(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(a="create table a (id int); select pg_sleep(0.3);", b="create table b (id int);")
    results = []
    threads = [threading.Thread(target=lambda: results.append(apply(target, files))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(result.applied) for result in results) == [0, 0, 0, 2]
    assert tables(database) == ["a", "b"]


def test_the_holder_of_the_lock_is_named(target: Target) -> None:
    heard: list[str] = []
    with (
        connect(target, application_name="devstack-schema 4711") as first,
        connect(target, application_name="second") as second,
        ledger.lock(first, wait=1, on_wait=heard.append, stop=lambda: False),
        pytest.raises(Locked, match="devstack-schema 4711"),
        ledger.lock(second, wait=0.2, on_wait=heard.append, stop=lambda: False),
    ):
        pass
    assert heard and heard[0].startswith("waiting for devstack-schema 4711 (server process")


_APPLY = textwrap.dedent("""
    import signal, sys, pathlib
    from devstack.database.schema import SchemaFiles, apply
    from devstack.database.target import Target
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in a shell's background
    host, port, user, password, database, file = sys.argv[1:]
    path = pathlib.Path(file)
    target = Target(host, int(port), user, password, database, "db")
    apply(target, SchemaFiles(service="db", database=database, files=(path,), root=path.parent))
""")


def start_apply(target: Target, file: Path) -> subprocess.Popen[bytes]:
    arguments = [target.host, str(target.port), target.user, target.password or "", target.database, str(file)]
    return subprocess.Popen([sys.executable, "-c", _APPLY, *arguments], stderr=subprocess.PIPE)


def wait_until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.02)


def sleeping(database: Connection) -> bool:
    return bool(
        database.rows(
            "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%pg_sleep%%' AND pid <> pg_backend_pid()"
            " AND datname = current_database() AND wait_event = 'PgSleep'"
        )
    )


def test_kill_9_in_the_middle_of_a_file_leaves_it_unapplied_and_the_lock_free(
    target: Target, schema: Schema, database: Connection
) -> None:
    files = schema(a="create table a (id int); select pg_sleep(30);")
    process = start_apply(target, files.files[0])
    wait_until(lambda: sleeping(database))
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = time.monotonic()
    wait_until(lambda: not sleeping(database), 5)
    assert time.monotonic() - killed < 3, "the server went on for a client that is dead"
    assert tables(database) == []
    assert states(target, replace(files, root=files.files[0].parent)) == {"a.sql": "pending"}
    quick = schema(a="create table a (id int);")
    assert len(apply(target, quick).applied) == 1


def test_ctrl_c_cancels_on_the_server(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(a="create table a (id int); select pg_sleep(30);")
    process = start_apply(target, files.files[0])
    wait_until(lambda: sleeping(database))
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    process.wait(10)
    assert time.monotonic() - started < 2
    assert not sleeping(database)
    assert tables(database) == []


def test_stop_asked_from_another_thread_cancels_on_the_server(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(a="create table a (id int); select pg_sleep(30);")
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        apply(target, files, stop=stop.is_set)
    assert time.monotonic() - started < 2.5
    assert not sleeping(database)
    assert tables(database) == []


def test_kill_9_at_any_moment_leaves_whole_files_only(target: Target, schema: Schema, database: Connection) -> None:
    many = {f"db/{n:03}.sql": f"create table t{n:03} (id int); insert into t{n:03} values (1);" for n in range(60)}
    files = schema(many)
    script = _APPLY.replace("(path,)", "tuple(sorted(path.parent.glob('*.sql')))")
    arguments = [target.host, str(target.port), target.user, target.password or "", target.database, str(files.files[0])]
    root = replace(files, root=files.files[0].parent)
    for moment in range(6):
        process = subprocess.Popen([sys.executable, "-c", script, *arguments], stderr=subprocess.PIPE)
        while process.poll() is None and len(tables(database)) <= moment * 8:
            time.sleep(0.005)
        process.kill()
        process.wait()
        wait_until(lambda: not database.rows("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'devstack-schema%%'"))
        done = [path for path, state in states(target, root).items() if state == "applied"]
        assert tables(database) == [f"t{path[:3]}" for path in done]
    apply(target, root)
    assert len(tables(database)) == 60


def test_a_statement_outside_a_transaction_runs_where_the_file_says_so(
    target: Target, schema: Schema, database: Connection
) -> None:
    files = schema(
        a="create table a (id int);",
        b="-- devstack: transaction=none\ncreate index concurrently a_id on a (id);\nvacuum a;\n",
    )
    apply(target, files)
    assert tables(database) == ["a", "a_id"]
    assert states(target, files) == {"db/a.sql": "applied", "db/b.sql": "applied"}


def test_a_file_outside_a_transaction_goes_on_at_the_statement_that_failed(
    target: Target, schema: Schema, database: Connection
) -> None:
    head = "-- devstack: transaction=none\ncreate table a (id int);\ninsert into a values (1);\n"
    files = schema(a=head + "insert into nope values (1);\n")
    with pytest.raises(SqlError) as caught:
        apply(target, files)
    assert str(caught.value.where) == "db/a.sql:4:13"
    assert "keeps the statements before this one" in dict(caught.value.details)["state"]
    assert states(target, files) == {"db/a.sql": "failed"}
    apply(target, schema(a=head + "insert into a values (2);\n"))
    assert database.rows("SELECT id FROM a ORDER BY id") == [(1,), (2,)]


def test_statements_that_have_run_may_not_be_edited_before_going_on(target: Target, schema: Schema) -> None:
    with pytest.raises(SqlError):
        apply(target, schema(a="-- devstack: transaction=none\ncreate table a (id int);\nselect nope;\n"))
    with pytest.raises(DevstackError) as caught:
        apply(target, schema(a="-- devstack: transaction=none\ncreate table a (id bigint);\nselect 1;\n"))
    assert caught.value.code == "schema-edited"


def test_a_lock_held_elsewhere_is_not_waited_for_forever(target: Target, schema: Schema, database: Connection) -> None:
    apply(target, schema(a="create table a (id int);"))
    database.run("BEGIN; LOCK TABLE a;")
    files = schema(a="create table a (id int);", b="set lock_timeout = '200ms'; alter table a add x int;")
    with pytest.raises(SqlError) as caught:
        apply(target, files)
    assert caught.value.code == "sql 55P03"
    assert f"pid {database.pid}" in dict(caught.value.details)["held by"]


def test_status_of_a_thousand_applied_files_is_quick(target: Target, schema: Schema) -> None:
    files = schema({f"db/{n:04}.sql": f"create table t{n} (id int);" for n in range(1000)})
    apply(target, files)
    started = time.monotonic()
    apply(target, files)
    assert time.monotonic() - started < 0.5
    few = schema(a="select 1;")
    apply(target, few)
    best = min(_seconds(lambda: status(target, few)) for _ in range(5))
    assert best < 0.1


def _seconds(call: Callable[[], object]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def test_a_server_that_dies_in_the_middle_is_told_and_loses_nothing(postgres: Server, target: Target, schema: Schema) -> None:
    files = schema(a="create table a (id int);", b="create table b (id int); select pg_sleep(20);")
    threading.Timer(0.7, postgres.kill).start()
    try:
        with pytest.raises(DevstackError) as caught:
            apply(target, files)
    finally:
        time.sleep(0.3)
        postgres.start()
    assert caught.value.code in ("database-lost", "sql 57P01", "sql 57P02")
    assert states(target, files) == {"db/a.sql": "applied", "db/b.sql": "pending"}


def test_the_password_is_in_no_message(target: Target, schema: Schema) -> None:
    wrong = replace(target, password="not-" + str(target.password))
    with pytest.raises(DevstackError) as caught:
        apply(wrong, schema(a="select 1;"))
    error = caught.value
    assert error.code == "wrong-password"
    assert "the password in .env does not open the existing volume of db" in error.message
    said = repr(error) + error.message + str(error.details) + str(error.hints) + repr(wrong)
    assert str(target.password) not in said
    assert "fix-credentials" in said and "delete" not in said
    assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)


if os.environ.get("DEVSTACK_REQUIRE_ENGINE") == "1":

    def test_the_server_is_there(postgres: Server) -> None:
        with connect(postgres.target, application_name="test") as connection:
            assert connection.rows("SELECT 1") == [(1,)]
