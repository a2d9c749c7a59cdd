r"""Files that bring in others: \i and \ir, \copy from files, variables; confined to the project, placed where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.database.connection import Connection
from devstack.database.environment import Environment
from devstack.database.includes import file_checksum
from devstack.database.scanner import parse
from devstack.database.script import checksum
from devstack.database.target import Target
from devstack.errors import SpecError, SqlError
from tests.database.running import environment, run
from tests.database.server import tables


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / "db" / (name.replace("__", "/") + ".sql")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def problems(root: Path, sql: str, **more: object) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse(sql.encode(), "db/a.sql", environment=Environment(root=root, **more))  # type: ignore[arg-type]
    return [str(problem) for problem in caught.value.problems]


def test_an_error_in_an_included_file_is_placed_there_with_the_way_to_it(
    target: Target, database: Connection, tmp_path: Path
) -> None:
    write(tmp_path, a="select 1;\n  \\i db/b.sql\n", b="\\ir parts/c.sql\n", parts__c="select 1,\n  nope;\n")
    with pytest.raises(SqlError) as caught:
        run(database, "db/a.sql", environment(tmp_path, target))
    assert str(caught.value.where) == "db/parts/c.sql:2:3"
    assert dict(caught.value.details)["included from"] == "db/b.sql:1:1\ndb/a.sql:2:3"
    assert "    2 |   nope;" in dict(caught.value.details)[""]


def test_an_include_is_looked_up_in_the_project_and_then_beside_the_file(
    target: Target, database: Connection, tmp_path: Path
) -> None:
    write(tmp_path, a="\\i b.sql\n\\i 'c d.sql'\n\\ir b.sql", b="create table if not exists beside (n int);")
    (tmp_path / "c d.sql").write_text("create table top (n int);")
    run(database, "db/a.sql", environment(tmp_path, target))
    assert tables(database) == ["beside", "top"]


def test_a_failed_file_with_includes_leaves_nothing(target: Target, database: Connection, tmp_path: Path) -> None:
    write(tmp_path, a="create table one (n int);\n\\ir b.sql\nselect 1/0;", b="create table two (n int);")
    with pytest.raises(SqlError) as caught:
        run(database, "db/a.sql", environment(tmp_path, target))
    assert (str(caught.value.where), tables(database)) == ("db/a.sql:3:1", [])


def test_a_file_outside_the_project_is_refused_also_through_a_link(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project, a="")
    (tmp_path / "secret.sql").write_text("select 1;")
    (project / "link.sql").symlink_to(tmp_path / "secret.sql")
    for named in ("../secret.sql", "link.sql", str(tmp_path / "secret.sql")):
        assert "is outside the project" in problems(project, f"\\i {named}\n")[0]
        assert "is outside the project" in problems(project, f"\\copy t from '{named}'\n")[0]


def test_a_circle_of_includes_is_refused_where_it_closes(tmp_path: Path) -> None:
    write(tmp_path, a="\\ir b.sql", b="select 1;\n\\ir a.sql\n")
    assert problems(tmp_path, "\\ir b.sql")[0].startswith(
        "db/b.sql:2:5: db/a.sql is included inside itself\n  included from db/a.sql:1:1"
    )


def test_every_problem_of_every_included_file_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, b="select 'open\n", c="\\! ls\n")
    found = problems(tmp_path, "\\ir b.sql\n\\ir c.sql\n\\ir none.sql\n")
    assert [line.split(": ")[0] for line in found] == ["db/b.sql:1:8", "db/c.sql:1:1", "db/a.sql:3:5"]


def test_without_a_project_no_file_is_brought_in() -> None:
    with pytest.raises(SpecError, match="no other file"):
        parse(b"\\i b.sql", "a.sql")


def test_the_checksum_covers_what_is_brought_in(tmp_path: Path) -> None:
    write(tmp_path, b="select 1;", c="\\ir b.sql")
    where = Environment(root=tmp_path)
    text = b"\\ir c.sql\n\\copy t from 'rows.csv' csv\n"
    (tmp_path / "rows.csv").write_text("1\n")
    first = file_checksum(text, "db/a.sql", where)
    (tmp_path / "rows.csv").write_text("2\n")
    second = file_checksum(text, "db/a.sql", where)
    write(tmp_path, b="select 2;")
    third = file_checksum(text, "db/a.sql", where)
    assert len({first, second, third, checksum(text)}) == 4
    write(tmp_path, b="select 2;\r\n".replace("\r\n", ""))
    assert file_checksum(text, "db/a.sql", where) == third
    assert file_checksum(b"select 1;", "db/a.sql", where) == checksum(b"select 1;")


def test_an_error_in_a_data_file_is_placed_in_it(target: Target, database: Connection, tmp_path: Path) -> None:
    write(tmp_path, a="create table t (id int, n text);\n\\copy t from 'db/rows.csv' with (format csv, header)\n")
    (tmp_path / "db/rows.csv").write_text('id,n\n1,"two\nlines"\nzwei,x\n')
    with pytest.raises(SqlError) as caught:
        run(database, "db/a.sql", environment(tmp_path, target))
    assert str(caught.value.where) == "db/rows.csv:4:1"
    assert dict(caught.value.details)["included from"] == "db/a.sql:2:1"


def test_variables_of_the_spec_are_filled_in_and_errors_stay_in_place(target: Target, database: Connection, tmp_path: Path) -> None:
    where = environment(
        tmp_path, target, variables={"tenant": "o'neil; inc", "long": "a_very_long_name", "DBNAME": target.database}
    )
    sql = "create table :long (who text default :'tenant');\nselect :'DBNAME', 'x' as :\"tenant\", nope from :long;"
    with pytest.raises(SqlError) as caught:
        run(database, "db/a.sql", where, sql.encode())
    assert str(caught.value.where) == "db/a.sql:2:37"
    run(database, "db/a.sql", where, sql.replace("nope", "1").encode())
    database.rows("INSERT INTO a_very_long_name DEFAULT VALUES")
    assert database.rows("SELECT who FROM a_very_long_name") == [("o'neil; inc",)]


def test_an_unknown_variable_is_explained(target: Target, database: Connection, tmp_path: Path) -> None:
    with pytest.raises(SqlError) as caught:
        run(database, "db/a.sql", environment(tmp_path, target), b"select 1;\nselect :nope;")
    assert str(caught.value.where) == "db/a.sql:2:8"
    assert any("schema.variables" in hint for hint in caught.value.hints)


def test_a_value_that_could_end_a_statement_is_left_to_psql(tmp_path: Path) -> None:
    for value in ("1; drop table t", "it's", "$$", "/*", "a -- b"):
        found = problems(tmp_path, "select :v;", variables={"v": value})
        assert "more than a plain word" in found[0]
    for value in ("1", "-1", "a, b", "'x'", "now()", "2026-01-01", "int[]", "f(1, 'a')"):
        parse(b"select :v;", "db/a.sql", environment=Environment(variables={"v": value}))


def test_what_echo_says_is_told_in_order(target: Target, database: Connection, tmp_path: Path) -> None:
    said: list[str] = []
    where = environment(tmp_path, target, say=said.append)
    run(
        database,
        "db/a.sql",
        where,
        b"\\set who 'the world'\n\\echo hello :who\nselect 1;\n\\warn -n 'it''s' \"q\"\n\\qecho \\\\ select 2;\n",
    )
    assert said == ["hello the world", 'it\'s "q"', ""]


@pytest.mark.parametrize(
    ("sql", "place", "message"),
    [
        ("select 1;\n \\! ls", "2:2", "runs a program"),
        ("\\set x `ls`", "1:8", "backticks"),
        ("\\copy t from program 'ls'", "1:14", "program"),
        ("\\copy t to 'x.csv'", "1:12", "does not write"),
        ("\\copy t from pstdin", "1:14", "nobody types"),
        ("select 1 \\g | less", "1:10", "runs a program"),
        ("\\o |cat", "1:1", "runs a program"),
        ("\\prompt name", "1:1", "person"),
        ("\\set x 'open", "1:8", "never closed"),
        ("\\set AUTOCOMMIT off", "1:1", "AUTOCOMMIT"),
        ("\\set ON_ERROR_STOP off", "1:1", "first error"),
        ("\\unset ON_ERROR_STOP", "1:1", "first error"),
        ("\\c other joe", "1:1", "another user"),
        ("\\c postgres://x/y", "1:1", "another user"),
        ("\\frobnicate", "1:1", "no command"),
        ("\\", "1:1", "lone backslash"),
        ("\\restrict k\n\\echo x\n\\unrestrict k", "2:1", "only SQL"),
        ("\\restrict k\n\\unrestrict j", "2:1", "another key"),
        ("\\i", "1:1", "without a file"),
        ("select 1 \\gexec", "1:10", "psql"),
        ("\\if true\nselect 1;\n\\endif", "1:1", "psql"),
        ("select 1 \\; select 2;", "1:10", "psql"),
        ("select \\set x 1\n 1;", "1:8", "middle of a statement"),
    ],
)  # fmt: skip
def test_a_command_that_is_not_followed_is_refused_with_its_place(sql: str, place: str, message: str, tmp_path: Path) -> None:
    found = problems(tmp_path, sql)
    assert found[0].startswith(f"db/a.sql:{place}: ")
    assert message in found[0]
