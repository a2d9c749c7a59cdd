"""What a dump may do when it is loaded: seen before anything is sent, with the place of each refusal."""

from __future__ import annotations

import pytest

from devstack.database import screening
from devstack.database.scanner import parse
from devstack.database.screening import Screened
from devstack.errors import DevstackError, SpecError

REFUSED = {
    "create role a": "changes the server's roles",
    "CREATE USER a": "changes the server's roles",
    "alter  role a superuser": "changes the server's roles",
    "drop group a": "changes the server's roles",
    "create database a": "changes the server",
    "alter database a set x = 1": "changes the server",
    "alter system set a = 1": "changes the server",
    "create tablespace a location '/x'": "changes the server",
    "copy t from program 'x'": "runs a program on the server",
    "COPY t (a, b)\n TO\n PROGRAM 'x'": "runs a program on the server",
    "copy (select 1) to program 'x'": "runs a program on the server",
    "copy t from '/etc/passwd'": "reads or writes a file of the server",
    "copy t to E'/x'": "reads or writes a file of the server",
    "set role a": "takes another role",
    "set session authorization a": "takes another role",
    "set local role a": "takes another role",
    "load 'x'": "needs a superuser",
    "create event trigger t on ddl_command_end execute function f()": "needs a superuser",
    "create subscription s connection 'x' publication p": "needs a superuser",
}
ALLOWED = (
    "create table role (a int)",
    "create user mapping for current_user server s",
    "create table t (program text)",
    "insert into t values ('copy t from program ''x''')",
    "comment on table t is 'create role a'",
    "set search_path = x",
    "select pg_catalog.set_config('search_path', '', false)",
    "create function f() returns text language sql as $$ select 'create role a;' $$",
    "alter table t add column owner text",
    "alter role_table rename to x",
)


def screened(text: str) -> Screened:
    return screening.screen(parse(text.encode(), "d.sql"))


@pytest.mark.parametrize("statement", REFUSED)
def test_what_reaches_beyond_the_database_is_refused_at_its_place(statement: str) -> None:
    with pytest.raises(DevstackError) as caught:
        screened(f"create table a (b int);\n/* x */ {statement};\n")
    assert caught.value.code == "load-refused"
    assert f"d.sql:2:9 {REFUSED[statement]}" in str(caught.value.details)


@pytest.mark.parametrize("statement", ALLOWED)
def test_what_only_looks_like_it_is_let_pass(statement: str) -> None:
    assert len(screened(f"{statement};\n").script.statements) == 1


@pytest.mark.parametrize(
    "meta", ["\\! id", "\\o |sh", "\\i x.sql", "\\connect postgres", "\\copy t from program 'x'", "select 1 \\g |sh"]
)
def test_commands_that_reach_the_machine_are_refused(meta: str) -> None:
    with pytest.raises((DevstackError, SpecError)):
        screened(f"create table t (a int);\n{meta}\n")


def test_owners_and_extensions_are_taken_out_and_remembered() -> None:
    found = screened(
        "\\restrict abc\n"
        "create schema tools;\n"
        "CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA tools;\n"
        "COMMENT ON EXTENSION pgcrypto IS 'x; y';\n"
        "create table public.t (a int);\n"
        'ALTER TABLE public.t OWNER TO "Some One";\n'
        "alter function f(a int, b text) owner to shop;\n"
        "ALTER DEFAULT PRIVILEGES FOR ROLE shop GRANT SELECT ON TABLES TO public;\n"
        "copy t from stdin;\n1\n\\.\n"
        "\\unrestrict abc\n"
    )
    assert [(e.name, e.schema, str(e.where)) for e in found.extensions] == [("pgcrypto", "tools", "d.sql:3:1")]
    assert found.owners == 2 and len(found.defaults) == 1
    assert [s.text.split("(")[0].strip() for s in found.script.statements] == ["create table public.t", "copy t from stdin;"]


def test_an_extension_that_says_more_than_its_schema_is_left_to_the_server() -> None:
    found = screened("create extension x version '1' cascade;\n")
    assert found.extensions == () and len(found.script.statements) == 1
