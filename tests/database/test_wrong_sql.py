"""Files that fail: the place that is reported is the true one, the kind of error is named, and nothing of the file stays.

A `§` in the SQL marks the true place of the error; it is taken out before the file is written.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from devstack.database.connection import Connection
from devstack.database.schema import SchemaFiles, apply
from devstack.database.target import Target
from devstack.errors import DevstackError, Exit, SpecError, SqlError, describe
from tests.database.server import tables

# Found by the server: name -> (SQL, SQLSTATE, part of the message)
AT_THE_SERVER = {
    "missing column in an index": ("create table o (id int);\n\ncreate index o_n\n  on o (id, §nmae);", "42703", '"nmae"'),
    "syntax error at a word": ("select 1;\ncreate §tabel t (id int);", "42601", '"tabel"'),
    "syntax error at the end": ("create table t (\n  id int,\n  name text\n§", "42601", "end of input"),
    "missing column said twice": ("create table o (id int);\n§create index nmae\n  on o (id, nmae);", "42703", '"nmae"'),
    "unknown table": ("select 1;\n  select * from §nope;", "42P01", '"nope"'),
    "unknown column": ("create table t (id int);\nselect id,\n       §nam\nfrom t;", "42703", '"nam"'),
    "unknown function": ("select §frobnicate(1);", "42883", "frobnicate"),
    "unknown type": ("create table t (id §strnig);", "42704", "strnig"),
    "wrong literal": ("create table t (id int);\ninsert into t values (1), (§'zwei');", "22P02", "zwei"),
    "after non-ASCII text": ("select 'größe €𝄞', §nope;", "42703", "nope"),
    "after tabs and CRLF": ("select 1;\r\n\tselect\t§nope;\r\n", "42703", "nope"),
    "after a byte order mark": ("\ufeffselect §nope;", "42703", "nope"),
    "table that is there": ("create table t (id int);\n§create table t (id int);", "42P07", "already exists"),
    "unique key": ("create table t (id int primary key);\n\n-- twice\n§insert into t values (1), (1);\nselect 1;", "23505", "t_pkey"),
    "foreign key": (
        "create table a (id int primary key);\ncreate table b (a int references a);\nselect 1; §insert into b values (1);", "23503", "",
    ),
    "not null": ("create table t (id int not null);\n\n  §insert into t values (null);", "23502", "null value"),
    "check": ("create table t (n int check (n >= 0));;\n/* ; */ §insert into t values (-1);", "23514", "t_n_check"),
    "division by zero": ("select 1;\n§select 1/0;", "22012", "division"),
    "raise in a function called": (
        "create function f() returns void language plpgsql as $f$\nbegin\n  raise exception 'no; way';\nend $f$;\n§select f();", "P0001", "no; way",
    ),
    "raise in a DO block": ("select 1;\ndo $$\nbegin\n  perform 1;\n  §raise exception 'boo';\nend $$;\nselect 2;", "P0001", "boo"),
    "table missing in a DO block": ("do $body$\nbegin\n  §insert into nope values (1);\nend\n$body$;", "42P01", "nope"),
    "syntax error in a plpgsql body": (
        "create function f() returns int language plpgsql as $$\nbegin\n  §retrun 1;\nend $$;", "42601", "retrun",
    ),
    "unknown column in an SQL body": (
        "create table t (id int);\ncreate function f() returns int language sql as $$\n  select §nope from t;\n$$;", "42703", "nope",
    ),
    "wrong COPY data": ("create table t (id int, n text);\ncopy t from stdin;\n1\tone\n§zwei\ttwo\n\\.\nselect 1;\n", "22P02", "zwei"),
    "wrong COPY column further right": ("create table t (n text, id int);\ncopy t from stdin;\none\t1\ntwo\t§zwei\n\\.\n", "22P02", "zwei"),
    "too few COPY columns": ("create table t (id int, n text);\ncopy t (id, n) from stdin;\n1\tone\n§2\n\\.\n", "22P04", "missing data"),
    "key twice in COPY data": ("create table t (id int primary key);\ncopy t from stdin;\n1\n§1\n\\.\n", "23505", "t_pkey"),
    "after COPY data": ("create table t (id int);\ncopy t from stdin;\n1\n2\n\\.\nselect §nope from t;\n", "42703", "nope"),
    "COPY into no table": ("select 1;\ncopy §nope from stdin;\n1\n\\.\n", "42P01", "nope"),
    "missing extension": ("§create extension no_such_thing;", "0A000", "no_such_thing"),
    "psql variable": ("select §:'name';", "42601", '":"'),
    "missing role": ("create table t (id int);\ngrant select on t to §nobody_here;", "42704", "nobody_here"),
    "bad partition": (
        "create table p (at date) partition by range (at);\ncreate table p1 partition of p for values from (§'2026-02-01') to ('2026-01-01');",
        "42P17", "empty range",
    ),
}  # fmt: skip
# Found before anything is sent: name -> (SQL as text or bytes, part of the message)
BEFORE = {
    "open string": ("select 1;\nselect §'it''s open;\n", "never closed"),
    "open name": ('select 1 as §"name;\n', "never closed"),
    "open dollar quote": ("create function f() returns int as §$f$\nselect 1;\n$$ language sql;", "$f$"),
    "open comment": ("select 1;\n  §/* outer /* inner */\nselect 2;", "comment"),
    "open escape string": ("select E§'a\\';\n", "never closed"),
    "NUL byte": ("create table a (id int);\n§\0create table b (id int);", "NUL byte"),
    "Latin-1": (b"select 1;\nselect 'gr\xfc\xdfe';", "0xfc"),
    "UTF-16": ("create table t (id int);".encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": ("create table t (id int);".encode("utf-16-be"), "UTF-16"),
    "no-break space": ("select§\u00a01;", "U+00A0"),
    "zero-width space": ("select 1;\ncreate§\u200b table t (id int);", "U+200B"),
    "smart quotes": ("select §\u2018x';", "U+2018"),
    "merge conflict": ("select 1;\n§<<<<<<< HEAD\nselect 2;\n=======\nselect 3;\n>>>>>>> other\n", "merge conflict"),
    "shell escape": ("select 1;\n§\\! rm -rf /\n", "refused"),
    "include": ("\\i §other.sql\n", "no file other.sql"),
    "connect": ("select 1;\n§\\connect other joe\nselect 2;", "another user"),
    "gexec": ("select 'select 1' §\\gexec\n", "psql"),
    "COPY end without COPY": ("select 1;\n§\\.\n", "psql"),
    "own COMMIT": ("-- devstack: transaction=file\ncreate table t (id int);\n§commit;\nselect 1;", "COMMIT"),
    "CREATE INDEX CONCURRENTLY": (
        "-- devstack: transaction=file\ncreate table t (id int);\n§create index concurrently i on t (id);", "CREATE INDEX CONCURRENTLY",
    ),
    "unknown setting": ("-- devstack: §transacton=none\nselect 1;", "transacton"),
}  # fmt: skip

Schema = Callable[..., SchemaFiles]


def place(text: str) -> str:
    """Line and column of the mark, in the text as the file's reader counts it."""
    before = text.removeprefix("\ufeff").partition("§")[0].replace("\r\n", "\n")
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


@pytest.mark.parametrize("name", AT_THE_SERVER)
def test_an_error_of_the_server_is_placed_and_rolled_back(name: str, target: Target, schema: Schema, database: Connection) -> None:
    sql, sqlstate, message = AT_THE_SERVER[name]
    assert sql.count("§") == 1
    files = schema({"db/wrong.sql": sql.replace("§", "")})
    with pytest.raises(SqlError) as caught:
        apply(target, files)
    error = caught.value
    assert error.code == f"sql {sqlstate}"
    assert str(error.where) == f"db/wrong.sql:{place(sql)}"
    assert describe(error)[0].startswith(f"error: db/wrong.sql:{place(sql)}: ")
    assert message in error.message + str(error.details)
    assert tables(database) == []
    assert dict(error.details)["state"].endswith("is as it was before this file: 0 applied, 1 failed, 0 pending.")


@pytest.mark.parametrize("name", BEFORE)
def test_a_file_that_cannot_be_run_is_refused_before_anything_is_sent(
    name: str, target: Target, schema: Schema, database: Connection
) -> None:
    sql, message = BEFORE[name]
    data = sql.replace("§", "").encode() if isinstance(sql, str) else sql
    with pytest.raises(SpecError) as caught:
        apply(target, schema({"db/wrong.sql": data}))
    problem = caught.value.problems[0]
    assert caught.value.exit is Exit.USAGE
    assert message in problem.message
    assert problem.where.file == "db/wrong.sql" and problem.where.line is not None
    assert problem.hint, "says what to do"
    if isinstance(sql, str):
        assert str(problem.where) == f"db/wrong.sql:{place(sql)}"
    assert tables(database) == []


def test_the_excerpt_shows_the_lines_before_and_a_caret_below_the_place(target: Target, schema: Schema) -> None:
    files = schema(a="create table t (\n  id int,\n\tname text\n);\nselect id,\n\tnmae\nfrom t;\n")
    with pytest.raises(SqlError) as caught:
        apply(target, files)
    excerpt = dict(caught.value.details)[""].split("\n")
    assert excerpt == ["    4 | );", "    5 | select id,", "    6 | \tnmae", "      | \t^"]
    assert any('"t.name"' in hint for hint in caught.value.hints)


def test_an_enum_value_used_in_the_transaction_that_adds_it_is_explained(target: Target, schema: Schema) -> None:
    files = schema(
        a="create type e as enum ('a'); create table t (v e);",
        b="alter type e add value 'b';\ninsert into t values ('b');",
    )
    with pytest.raises(SqlError) as caught:
        apply(target, files)
    assert str(caught.value.where) == "db/b.sql:2:23"
    assert any("file of its own" in hint for hint in caught.value.hints)


def test_several_problems_are_told_at_once(target: Target, schema: Schema) -> None:
    with pytest.raises(SpecError) as caught:
        apply(target, schema(a="\\copy t to 'x'\nselect 'x\n\\! ls\n';\n\\e\n\\! ls\n", b=b"\xff\xfe", c="select 1;"))
    assert [str(problem.where) for problem in caught.value.problems] == [
        "db/a.sql:1:12",
        "db/a.sql:5:1",
        "db/a.sql:6:1",
        "db/b.sql:1",
    ]


def test_a_file_that_is_not_there_is_a_problem_of_the_spec(target: Target, schema: Schema) -> None:
    files = schema(a="select 1;")
    files.files[0].unlink()
    files.files[0].mkdir()
    with pytest.raises(DevstackError) as caught:
        apply(target, files)
    assert caught.value.exit is Exit.USAGE
    assert "db/a.sql" in caught.value.message
