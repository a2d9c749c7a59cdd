"""Files that only psql can run, run by psql in the database's own container: same bookkeeping, same places of errors."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.compose.roles import Postgres
from devstack.database.connection import Connection, connect
from devstack.database.creation import create_database
from devstack.database.psql_engine import Psql
from devstack.database.target import Target
from devstack.engine.base import Engine
from devstack.errors import SpecError, SqlError
from tests.database.running import environment, run
from tests.database.server import free_port, tables

IMAGE = os.environ.get("DEVSTACK_TEST_POSTGRES", "postgres:17")
FILE = "db/a.sql"
pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def served(engine: Engine) -> Iterator[tuple[Target, Psql]]:
    """A server in a container, and psql beside it."""
    if engine.image(IMAGE) is None:
        if os.environ.get("DEVSTACK_REQUIRE_ENGINE") == "1":
            pytest.fail(f"the engine has no image {IMAGE}")
        pytest.skip(f"the engine has no image {IMAGE}")
    import docker

    client = docker.from_env()
    port, password = free_port(), secrets.token_hex(8)
    container = client.containers.run(
        IMAGE,
        detach=True,
        name=f"devstack-test-psql-{secrets.token_hex(4)}",
        environment={"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": password, "POSTGRES_DB": "postgres"},
        ports={"5432/tcp": ("127.0.0.1", port)},
    )
    try:
        target = Target("127.0.0.1", port, "shop", password, "postgres", "db")
        connect(target, application_name="test", deadline=time.monotonic() + 60).close()
        role = Postgres(service="db", user="shop", password=password, database="postgres", data_target="/x", major=17)
        yield target, Psql(engine, str(container.id), role)
    finally:
        container.remove(force=True, v=True)
        client.close()


@pytest.fixture
def database(served: tuple[Target, Psql]) -> Iterator[Connection]:
    target = replace(served[0], database=f"t_{secrets.token_hex(4)}")
    create_database(target, application_name="test")
    with connect(target, application_name="test") as connection:
        yield connection


@pytest.fixture
def attempt(served: tuple[Target, Psql], database: Connection, tmp_path: Path) -> Callable[..., list[str]]:
    """Run SQL as a file of a project, beside other files of it; what it said."""

    def go(sql: str, **more: str) -> list[str]:
        for name, text in more.items():
            (tmp_path / "db").mkdir(exist_ok=True)
            (tmp_path / "db" / f"{name}.sql").write_text(text)
        said: list[str] = []
        where = environment(tmp_path, database.target, psql=served[1], say=said.append)
        script = run(database, FILE, where, sql.encode())
        assert script.engine == "psql"
        return said

    return go


Attempt = Callable[..., list[str]]


def test_gexec_gset_and_if_do_what_they_do_in_psql(attempt: Attempt, database: Connection) -> None:
    said = attempt(
        "select format('create table t%s (n int)', n) from generate_series(1, 3) n \\gexec\n"
        "select count(*) as many, count(*) > 2 as enough from pg_class where relname like 't_' \\gset\n"
        "\\if :enough\n\\echo there are :many\ninsert into t1 values (:many);\n\\else\ninsert into nope values (1);\n\\endif\n"
    )
    assert (tables(database), database.rows("SELECT n FROM t1")) == (["t1", "t2", "t3"], [(3,)])
    assert said == ["there are 3"]
    assert database.rows("SELECT state, statements > 0, duration_ms > 0 FROM devstack.schema_history") == [("applied", True, True)]


def test_included_files_and_variables_go_along(attempt: Attempt, database: Connection) -> None:
    attempt("\\ir b.sql\n\\if true\ninsert into b values (:'DBNAME', :'USER');\n\\endif", b="create table b (d text, u text);")
    assert database.rows("SELECT d, u FROM b") == [(database.target.database, "shop")]


def test_a_failed_file_leaves_nothing_and_no_row(attempt: Attempt, database: Connection) -> None:
    with pytest.raises(SqlError) as caught:
        attempt("create table t (n int);\n\\if true\n\\endif\n\n  insert into t\n  values ('x');\nselect 1;\n")
    assert (str(caught.value.where), caught.value.code) == ("db/a.sql:6:11", "sql 22P02")
    assert dict(caught.value.details)["state"] == "rolled back: True"
    assert tables(database) == []
    assert database.rows("SELECT count(*) FROM devstack.schema_history") == [(0,)]


ANY = "\\if true\n\\endif\n"
FAILING = {
    "unknown column": (ANY + "select 1,\n\n  §nope;\n", "42703"),
    "second statement of a line": (ANY + "select 1; select 2; select §nope; select 3;\n", "42703"),
    "after a comment": (ANY + "-- a comment;\n/* another\none */ select §nope\n  from pg_class\n;\n", "42703"),
    "a long line": (ANY + "select " + "1 as a_long_name_of_a_column, " * 20 + "§nope;\n", "42703"),
    "after tabs": (ANY + "select\t1,\t§nope;\n", "42703"),
    "no position": (ANY + "create table t (n int primary key);\n\n§insert into t\n values (1), (1);\n", "23505"),
    "copy data": (ANY + "create table t (n int);\ncopy t from stdin;\n1\n§x\n\\.\n", "22P02"),
    "do block": (ANY + "do $$\nbegin\n  §raise exception 'boo';\nend $$;\n", "P0001"),
    "gexec": ("select 'create table t (n int)';\nselect '§selec 1'\\gexec\n", "42601"),
    "syntax": (ANY + "create §tabel t (n int);\n", "42601"),
    "last without semicolon": (ANY + "select 1;\nselect §nope\n", "42703"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILING)
def test_an_error_that_psql_tells_is_placed(name: str, attempt: Attempt) -> None:
    sql, sqlstate = FAILING[name]
    before = sql.partition("§")[0]
    with pytest.raises(SqlError) as caught:
        attempt(sql.replace("§", ""))
    place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    assert (caught.value.code, str(caught.value.where)) == (f"sql {sqlstate}", f"db/a.sql:{place}")


def test_an_error_in_an_included_file_is_placed_there(attempt: Attempt) -> None:
    with pytest.raises(SqlError) as caught:
        attempt(ANY + "\\ir b.sql\n", b="select 1;\nselect\n  nope;\n")
    assert str(caught.value.where) == "db/b.sql:3:3"
    assert dict(caught.value.details)["included from"] == "db/a.sql:3:1"


def test_what_psql_itself_refuses_is_placed_at_the_command(attempt: Attempt) -> None:
    with pytest.raises(SqlError) as caught:
        attempt("select 1;\n  \\gset\n\\if maybe\n\\endif\nselect 1 where false \\gset\n")
    assert str(caught.value.where).startswith("db/a.sql:")


def test_programs_are_refused_also_where_psql_runs_the_file(attempt: Attempt) -> None:
    for line in ("\\! touch /tmp/x", "\\set x `id`", "\\copy t from program 'id'", "select 1 \\g |id", "\\o |id"):
        with pytest.raises(SpecError):
            attempt(f"\\if false\n{line}\n\\endif\n")


def test_a_file_that_no_transaction_takes_is_recorded_too(attempt: Attempt, database: Connection) -> None:
    attempt("create table t (n int);\n\\if true\nvacuum t;\n\\endif\ncreate index concurrently i on t (n);\n")
    assert tables(database) == ["i", "t"]
    assert database.rows("SELECT state FROM devstack.schema_history") == [("applied",)]


def test_a_file_that_failed_outside_a_transaction_says_so(attempt: Attempt, database: Connection) -> None:
    with pytest.raises(SqlError) as caught:
        attempt("create table t (n int);\nvacuum t;\n\\if true\nselect nope;\n\\endif\n")
    assert str(caught.value.where) == "db/a.sql:4:8"
    assert "stays" in dict(caught.value.details)["state"]
    assert database.rows("SELECT state, sqlstate FROM devstack.schema_history") == [("failed", "42703")]


def test_a_header_asks_for_psql_and_a_timeout_holds_there_too(attempt: Attempt, database: Connection) -> None:
    begun = time.monotonic()
    with pytest.raises(SqlError, match="timeout"):
        attempt("-- devstack: engine=psql timeout=500ms\ncreate table t (n int);\nselect pg_sleep(30);\n")
    assert time.monotonic() - begun < 15
    assert tables(database) == []


def test_an_interrupt_ends_what_psql_does_on_the_server(served: tuple[Target, Psql], database: Connection, tmp_path: Path) -> None:
    pressed = threading.Event()
    with connect(database.target, application_name="test", interrupted=pressed.is_set) as connection:
        threading.Timer(1.0, pressed.set).start()
        where = environment(tmp_path, database.target, psql=served[1])
        with pytest.raises(KeyboardInterrupt):
            run(connection, FILE, where, b"-- devstack: engine=psql\ncreate table t (n int);\nselect pg_sleep(60);\n")
    assert tables(database) == []
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'devstack-%%' AND query LIKE '%%pg_sleep(60)%%'"
    assert database.rows(left.replace("%%", "%")) == [(0,)]


def test_nothing_is_left_in_the_container(attempt: Attempt, served: tuple[Target, Psql]) -> None:
    attempt("\\if true\nselect 1;\n\\endif\n")
    psql = served[1]
    assert psql.engine.exec(psql.container, ("sh", "-c", "ls -d /tmp/devstack-* || true")).text.strip() == ""
