"""The way back, the scratch database, and the fingerprint that compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.database import scratch
from devstack.database.apply import resolve
from devstack.database.connection import Connection, connect
from devstack.database.down import plan_down, take_back
from devstack.database.files import read
from devstack.database.fingerprint import fingerprint
from devstack.database.schema import SchemaFiles, apply, status
from devstack.database.target import Target
from devstack.errors import DevstackError, SqlError
from tests.database.server import tables

Schema = Callable[..., SchemaFiles]
A = "create table a (id int);\n-- devstack: down\ndrop table a;\n"
B = (
    "create table b (id int);\ninsert into b values (1), (2);\n"
    "-- devstack: down\nalter table a drop column if exists id;\ndrop table if exists b cascade;\n"
)


def quiet(path: str, state: str, text: str = "") -> None: ...


def test_the_way_back_is_not_run_on_the_way_there(target: Target, schema: Schema, database: Connection) -> None:
    apply(target, schema(a=A, b=B))
    assert tables(database) == ["a", "b"]


def test_files_are_taken_back_last_first_with_their_rows(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(a=A, b=B)
    apply(target, files)
    plan = plan_down(target, files, "")
    assert plan.paths == ("db/b.sql", "db/a.sql")
    assert plan.losses == ("table b (2 rows)", "column id of a (0 rows)", "table a (0 rows)")
    assert [r.path for r in take_back(target, files, "db/a.sql", on_file=quiet)] == ["db/b.sql"]
    assert tables(database) == ["a"]
    assert [state.state for state in status(target, files)] == ["applied", "pending"]
    apply(target, files)
    take_back(target, files, "", on_file=quiet)
    assert tables(database) == []


def test_a_file_without_a_way_back_stops_all_before_anything_is_run(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(a="create table a (id int);", b=B)
    apply(target, files)
    with pytest.raises(DevstackError) as caught:
        take_back(target, files, "", on_file=quiet)
    assert caught.value.code == "schema-down" and caught.value.message == "db/a.sql has no way back"
    assert tables(database) == ["a", "b"]


def test_a_way_back_that_fails_leaves_the_file_applied_and_names_the_line(
    target: Target, schema: Schema, database: Connection
) -> None:
    files = schema(a="create table a (id int);\n\n-- devstack: down\ndrop table a;\ndrop table nope;\n")
    apply(target, files)
    with pytest.raises(SqlError) as caught:
        take_back(target, files, "", on_file=quiet)
    assert caught.value.where is not None and (caught.value.where.file, caught.value.where.line) == ("db/a.sql", 5)
    assert tables(database) == ["a"]
    assert [state.state for state in status(target, files)] == ["applied"]


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("db/002_b.sql", "db/002_b.sql"), ("002_b.sql", "db/002_b.sql"), ("2", "db/002_b.sql"), ("002", "db/002_b.sql"),
        ("010", "db/010_c.sql"), ("001_a", "db/001_a.sql"),
    ],
)  # fmt: skip
def test_a_version_may_be_said_in_several_ways(schema: Schema, wanted: str, path: str) -> None:
    files = schema({"db/001_a.sql": A, "db/002_b.sql": B, "db/010_c.sql": "select 1;"})
    assert resolve(files, read(files), wanted) == path


@pytest.mark.parametrize("wanted", ["7", "none.sql", "9"])
def test_a_version_that_no_file_has_is_refused(schema: Schema, wanted: str) -> None:
    files = schema({"db/001_a.sql": A, "db/002_b.sql": B})
    with pytest.raises(DevstackError, match="no file of"):
        resolve(files, read(files), wanted)


_EVERYTHING = (Path(__file__).parent / "everything.sql").read_text()


def scratches(database: Connection) -> list[str]:
    return [row[0] for row in database.rows("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (scratch.PREFIX,))]


def test_a_database_made_anew_by_the_same_files_has_the_same_fingerprint(
    target: Target, schema: Schema, database: Connection
) -> None:
    files = schema(a=_EVERYTHING.replace("@ROLE", f"{target.database}_r"))
    files = replace(files, roles=(files.root / "roles.sql",))
    files.roles[0].write_text(f"do $$ begin create role {target.database}_r; exception when duplicate_object then null; end $$;")
    apply(target, files)
    assert scratch.fresh_fingerprint(target, files) == fingerprint(database)
    assert scratches(database) == []


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ("alter table s.q add column more text", "column s.q.more text"),
        ("alter table s.q alter p set not null", "column s.q.p s.pos not null"),
        ("alter table s.q alter id drop default", "column s.q.id integer not null"),
        ("create index later on s.q (id)", "index s.q later "),
        ("drop index s.q_p_idx", "index s.q q_p_idx"),
        ("update pg_index set indisvalid = false where indexrelid = 's.q_p_idx'::regclass", "index s.q q_p_idx INVALID"),
        ("alter table s.q add constraint later check (id > 2) not valid", "constraint s.q later CHECK ((id > 2)) NOT VALID"),
        ("alter type s.mood add value 'd' after 'a'", "enum s.mood 'a', 'd', 'b', 'c'"),
        ("create or replace view s.v as select id, p, 1 as one from s.q", "view s.v "),
        ("create or replace function s.f(a int) returns int language sql as 'select 2'", "function s.f"),
        ("alter function s.g() security definer", "function s.g() returns trigger language plpgsql security definer"),
        ("alter table s.q disable trigger tr", "trigger s.q tr DISABLED"),
        ("drop policy pol on s.q", "policy s.q pol"),
        ("alter table s.q disable row level security", "table s.q"),
        ("create table s.p2 partition of s.p for values from ('2021-01-01') to ('2022-01-01')", "table s.p2 of s.p"),
        ("alter table s.p detach partition s.p1", "table s.p1"),
        ("alter sequence s.sq increment 5", "sequence s.sq"),
        ("drop extension pgcrypto", "extension pgcrypto"),
        ("revoke select on s.q from public", "grant SELECT on s.q to public"),
        ("grant update (p) on s.q to public", "grant UPDATE on s.q.p to public"),
        ("alter domain s.pos drop constraint pos_check", "domain s.pos integer"),
        ("drop statistics s.st", "statistics s.st"),
        ("drop rule r on s.q", "rule s.q r"),
        ("alter type s.comp add attribute c int", "column s.comp.c integer"),
        ("create unlogged table u (id int)", "table public.u unlogged"),
        ("create schema later", "schema later"),
        ("drop materialized view s.mv", "materialized view s.mv"),
    ],
)
def test_each_change_behind_the_files_back_is_a_fact_that_differs(database: Connection, change: str, fact: str) -> None:
    role = database.rows("SELECT current_user")[0][0]
    assert database.run(_EVERYTHING.replace("@ROLE", role)) is None
    before = set(fingerprint(database))
    assert database.run(change) is None
    assert any(line.startswith(fact) for line in before ^ set(fingerprint(database)))


def test_data_comments_and_search_path_are_no_facts(database: Connection) -> None:
    database.run("create table a (id serial); create view v as select * from a")
    before = fingerprint(database)
    database.run("insert into a default values; comment on table a is 'x'; set search_path = pg_temp")
    assert fingerprint(database) == before
    assert database.rows("SHOW search_path") == [("pg_temp",)]


def test_a_scratch_database_is_dropped_when_its_files_fail(target: Target, schema: Schema, database: Connection) -> None:
    with pytest.raises(SqlError) as caught:
        scratch.fresh_fingerprint(target, schema(a="create table a (id nope);"))
    assert "scratch database" in dict(caught.value.details)["meanwhile"]
    assert scratches(database) == []
    assert tables(database) == []


def test_a_scratch_database_that_was_left_behind_is_dropped_by_the_next(target: Target, database: Connection) -> None:
    left, fresh = f"{scratch.PREFIX}5_left", f"{scratch.PREFIX}7fffffff_begun"
    database.rows(f"CREATE DATABASE {left}")
    database.rows(f"CREATE DATABASE {fresh}")
    try:
        with scratch.scratch(target) as made, connect(made, application_name="test"):
            assert set(scratches(database)) == {made.database, fresh}
    finally:
        database.rows(f"DROP DATABASE {fresh}")
