"""The scanner's boundaries, checked against scripts whose boundaries are known because they were put together piece by piece."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.database.scanner import parse
from devstack.database.script import checksum
from devstack.errors import SpecError

BODY = st.sampled_from(
    [
        "select 1", "select 'a;b'", "select 'it''s'", "select E'\\';'", 'select 1 as "x;y"', "select $$ ; ' $$", "select $a$ $$ ; $a$",
        "create rule r as on insert to t do (select 1; select 2)", "select a$b$c, $1", "select /* ; */ 1", "select -- ; '\n 1",
        "create function f() returns int begin atomic select case when 1 = 1 then 2 end; select 3; end",
        "create or replace procedure begin_end() language sql begin atomic insert into t values (1); end",
        "create function g() returns text language sql as 'select ''end;'''", "select e'x', E'\\\\', U&'\\0061;'", "select (1), (2;3)",
        "create table \"case\" (\"end\" int)", "select 'größe;€'", "select B'01', X'1F;'", "select 1 as begin_case_end",
    ]
)  # fmt: skip
BLANK = st.sampled_from(["", " ", "\n", "\t\n", "-- note ; '\n", "/* a; /* b' */ \" */", "\n\n  "])


@given(st.lists(st.tuples(BLANK, BODY, BLANK), max_size=12))
@settings(max_examples=300, deadline=None)
def test_statements_are_found_exactly(pieces: list[tuple[str, str, str]]) -> None:
    text = "".join(f"{before}{body}{after};" for before, body, after in pieces)
    script = parse(text.encode(), "x.sql")
    assert [script.slice(statement) for statement in script.statements] == [f"{body}{after};" for _, body, after in pieces]


@given(st.lists(st.tuples(BODY, st.lists(st.sampled_from(["1\ta", "'", "$$", "\\N", "/*", ";", "\\.x"]), max_size=4)), max_size=6))
@settings(max_examples=200, deadline=None)
def test_copy_data_is_cut_by_lines_and_never_read(pieces: list[tuple[str, list[str]]]) -> None:
    text = "".join(f"{body};\ncopy t from stdin;\n" + "".join(f"{row}\n" for row in rows) + "\\.\n" for body, rows in pieces)
    script = parse(text.encode(), "x.sql")
    assert [segment.copy and script.text[slice(*segment.copy)] for segment in script.segments] == [
        "".join(f"{row}\n" for row in rows) for _, rows in pieces
    ]
    assert [len(segment.statements) for segment in script.segments] == [2] * len(pieces)


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_either_a_script_or_a_problem_with_a_place(data: bytes) -> None:
    try:
        script = parse(data, "x.sql")
    except SpecError as error:
        assert all(problem.where.file == "x.sql" and problem.where.line for problem in error.problems)
    else:
        ends = [0] + [segment.end for segment in script.segments]
        assert ends == sorted(ends) and ends[-1] <= len(script.text)


@given(st.text(alphabet="abc'$\";-/*()\\ \né\u00a0", max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_is_either_a_script_or_a_problem_with_a_place(text: str) -> None:
    try:
        parse(text.encode(), "x.sql")
    except SpecError as error:
        assert all(problem.where.line and problem.where.column for problem in error.problems)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX CONCURRENTLY i ON t (id)", "create unique index /* x */ concurrently if not exists i on t (id)",
        "DROP INDEX CONCURRENTLY i", "REINDEX TABLE CONCURRENTLY t", "reindex (verbose, concurrently) table t", "REINDEX DATABASE d",
        "VACUUM", "vacuum (analyze) t", "CREATE DATABASE d", "DROP DATABASE d", "CREATE TABLESPACE s LOCATION '/x'", "ALTER SYSTEM RESET ALL",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", "DISCARD ALL", "CLUSTER", "ALTER DATABASE d SET TABLESPACE s",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY", "alter table t\n detach partition p -- x\n finalize",
    ],
)  # fmt: skip
def test_what_cannot_run_in_a_transaction_is_known(sql: str) -> None:
    script = parse(f"select 1;\n{sql};".encode(), "x.sql")
    assert not script.transactional
    assert script.why.endswith("at x.sql:2:1 cannot run inside a transaction")
    with pytest.raises(SpecError, match=r"x\.sql:2:1: .* cannot run inside a transaction"):
        parse(f"-- devstack: transaction=file\n{sql};".encode(), "x.sql")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX i ON t (id)", "REINDEX TABLE t", "CLUSTER t USING i", "DISCARD TEMP", "ALTER TABLE t DETACH PARTITION p",
        "create table concurrently (id int)", "select 'create database d'", "ALTER DATABASE d SET work_mem = '1MB'", "SAVEPOINT a",
        "ROLLBACK TO a", "rollback to savepoint a", "RELEASE a", "SET TRANSACTION READ ONLY", "PREPARE p AS SELECT 1", "endless()",
        "create table database_things (vacuum int)", "ANALYZE", "comment on database d is 'x'", "grant connect on database d to u",
    ],
)  # fmt: skip
def test_what_can_is_let_through(sql: str) -> None:
    script = parse(f"{sql};".encode(), "x.sql")
    assert len(script.statements) == 1
    assert script.transactional


def test_the_checksum_is_the_documented_one() -> None:
    import hashlib

    wanted = "sha256-lf:" + hashlib.sha256(b"select 1;\nselect 2;\n").hexdigest()
    for data in (b"select 1;\nselect 2;\n", b"select 1;\r\nselect 2;\r\n", b"\xef\xbb\xbfselect 1;\nselect 2;\r\n"):
        assert checksum(data) == wanted
    assert checksum(b"select 1;\nselect 2;") != wanted
