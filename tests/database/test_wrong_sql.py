"""Files that fail: the place that is reported is the true one, the kind of error is named, and nothing of the file stays.

The files stand in wrong_sql.py, which prints them as a table too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.database.connection import Connection
from devstack.database.schema import SchemaFiles, apply
from devstack.database.target import Target
from devstack.errors import DevstackError, Exit, SpecError, SqlError, describe
from tests.database.server import tables
from tests.database.wrong_sql import AT_THE_SERVER, BEFORE, WITH_OTHERS, place, reported, true_place

Schema = Callable[..., SchemaFiles]


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
    assert error.hints, "every error says what to do next"


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


@pytest.mark.parametrize("name", WITH_OTHERS)
def test_an_error_is_placed_in_whichever_file_it_stands(name: str, database: Connection, tmp_path: Path) -> None:
    files, sqlstate = WITH_OTHERS[name]
    assert sum(text.count("§") for text in files.values()) == 1
    assert reported(dict(files), tmp_path, database) == (true_place(files), sqlstate)


def test_the_table_has_at_least_forty_files() -> None:
    assert len(AT_THE_SERVER) + len(BEFORE) + len(WITH_OTHERS) >= 40


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
