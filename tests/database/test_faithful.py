"""SQL runs as psql would run it: the same script through psql and through us leaves the same database behind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.database.connection import Connection, connect
from devstack.database.creation import create_database
from devstack.database.scanner import parse
from devstack.database.schema import SchemaFiles, apply
from devstack.database.target import Target
from tests.database.running import server_tools

Schema = Callable[..., SchemaFiles]
EXAMPLES = Path(__file__).parents[2] / "examples"

SHOP = r"""
-- quotes, comments and bodies that trip splitters
SET client_encoding = 'UTF8';
CREATE TYPE mood AS ENUM ('happy; really', 'sad');
CREATE TABLE "odd;name" (id int PRIMARY KEY, "semi;colon" text DEFAULT 'a;''b', m mood);
/* outer /* inner ; */ still a comment ; */
CREATE FUNCTION fn_atomic(a int) RETURNS int LANGUAGE plpgsql AS $fn$
DECLARE s text := $q$ it's; $$ not the end $$ $q$;
BEGIN
  IF a > 0 THEN RETURN CASE WHEN a = 1 THEN 1 ELSE 2 END; END IF;
  RETURN 0; -- done;
END;
$fn$;
CREATE FUNCTION std(a int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 1 ELSE 2 END; SELECT a + 1; END;
CREATE PROCEDURE begin_end(x int) LANGUAGE sql BEGIN ATOMIC INSERT INTO "odd;name" (id) VALUES (x); END;
CREATE RULE r AS ON INSERT TO "odd;name" WHERE NEW.id < 0 DO INSTEAD (SELECT 1; SELECT 2);
INSERT INTO "odd;name" VALUES (1, E'it\'s; \\', 'happy; really'), (2, U&'d\0061t\+000061', 'sad'), (3, $$;$$, NULL);
SELECT 1 AS a$b$c, 'x' "y;z";
CREATE VIEW v AS SELECT id, "semi;colon" AS "end" FROM "odd;name" -- no semicolon here ;
;
CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL, body jsonb) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
COPY "odd;name" (id, "semi;colon") FROM stdin;
10	it's ; "quoted" $$ /* --
11	tab\there\nand line
12	\N
\.
COPY events_1 (id, at, body) FROM stdin WITH (FORMAT csv);
1,2026-01-02T00:00:00Z,"{""a"": ""x;y""}"
\.
SELECT setval('events_id_seq', 41);
DO $$ BEGIN PERFORM fn_atomic(1); END $$;
CALL begin_end(99);
ALTER TABLE "odd;name" ADD CHECK (id <> 5);
COMMENT ON TABLE "odd;name" IS 'größer ; €'
"""


@pytest.fixture
def tools() -> Path:
    return server_tools()


def run(program: Path, target: Target, *arguments: str, stdin: str | None = None) -> str:
    done = subprocess.run(
        [str(program), "-h", target.host, "-p", str(target.port), "-U", target.user, "-d", target.database, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env={"PGPASSWORD": target.password or "", "PATH": os.environ["PATH"], "PGCLIENTENCODING": "UTF8"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def dump(tools: Path, target: Target) -> str:
    """The whole database as SQL without what differs by time: the marks of \\restrict and our own ledger."""
    text = run(tools / "pg_dump", target, "--exclude-schema=devstack")
    return re.sub(r"(?m)^\\(un)?restrict .*$", "", text)


def twin(target: Target) -> Target:
    other = replace(target, database=target.database + "_twin")
    create_database(other, application_name="test")
    return other


def scripts() -> list[Path]:
    found = sorted(EXAMPLES.glob("*/**/db/*.sql"))
    return [path for path in found if "node_modules" not in path.parts]


def test_a_script_gives_the_same_database_as_psql(target: Target, schema: Schema, tools: Path) -> None:
    other = twin(target)
    apply(target, schema(shop=SHOP))
    run(tools / "psql", other, "-X", "-q", "-v", "ON_ERROR_STOP=1", stdin=SHOP)
    assert dump(tools, target) == dump(tools, other)
    assert "größer ; €" in dump(tools, target)


def test_crlf_gives_the_same_database_as_lf(target: Target, schema: Schema, tools: Path) -> None:
    other = twin(target)
    files = schema(shop=SHOP)
    apply(target, files)
    crlf = schema(again=SHOP.replace("\n", "\r\n"))
    apply(other, crlf)
    assert dump(tools, target) == dump(tools, other)


def test_a_dump_restores_to_the_same_dump(target: Target, schema: Schema, tools: Path) -> None:
    apply(target, schema(shop=SHOP))
    text = run(tools / "pg_dump", target, "--exclude-schema=devstack")
    other = twin(target)
    apply(other, schema(dump=text))
    assert dump(tools, other) == dump(tools, target)
    inserts = run(tools / "pg_dump", target, "--exclude-schema=devstack", "--rows-per-insert=1")
    third = twin(other)
    apply(third, schema(inserts=inserts))
    assert dump(tools, third) == dump(tools, target)


def test_a_dump_with_restrict_lines_is_run(target: Target, schema: Schema, database: Connection) -> None:
    text = "\\restrict abcDEF123\n\nCREATE TABLE t (id int);\nCOPY t FROM stdin;\n1\n\\.\n\n\\unrestrict abcDEF123\n\n"
    apply(target, schema(dump=text))
    assert database.rows("SELECT id FROM t") == [(1,)]


def test_the_examples_give_the_same_database_as_psql(target: Target, schema: Schema, tools: Path) -> None:
    by_folder: dict[Path, list[Path]] = {}
    for path in scripts():
        by_folder.setdefault(path.parent, []).append(path)
    assert by_folder, "the examples have SQL files"
    for number, files in enumerate(by_folder.values()):
        ours, theirs = (replace(target, database=f"{target.database}_{number}_{who}") for who in ("ours", "psql"))
        create_database(theirs, application_name="test")
        apply(ours, SchemaFiles(service="db", database=ours.database, files=tuple(files), root=EXAMPLES))
        for file in files:
            run(tools / "psql", theirs, "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", stdin=file.read_text())
        assert dump(tools, ours) == dump(tools, theirs)


def test_a_large_copy_block_is_streamed(target: Target, schema: Schema, database: Connection) -> None:
    rows = "".join(f"{n}\tline {n} with 'quotes'; and $$\n" for n in range(200_000))
    apply(target, schema(big="CREATE TABLE t (id int, note text);\nCOPY t FROM stdin;\n" + rows + "\\.\nCREATE INDEX ON t (id);\n"))
    assert database.rows("SELECT count(*), max(id), min(note) FROM t") == [(200_000, 199_999, "line 0 with 'quotes'; and $$")]


def test_copy_to_stdout_in_a_file_is_read_and_dropped(target: Target, schema: Schema, database: Connection) -> None:
    apply(
        target, schema(out="CREATE TABLE t AS SELECT generate_series(1, 50000) n;\nCOPY t TO stdout;\nCREATE TABLE u (id int);\n")
    )
    assert database.rows("SELECT to_regclass('u')::text") == [("u",)]


def test_statements_are_cut_where_psql_cuts_them() -> None:
    script = parse(SHOP.encode(), "shop.sql")
    heads = [script.slice(statement).split("\n")[0][:32] for statement in script.statements]
    assert len(heads) == 19
    assert heads[4] == "CREATE FUNCTION std(a int) RETUR"
    assert heads[6] == 'CREATE RULE r AS ON INSERT TO "o'
    assert [script.text[slice(*segment.copy)].count("\n") for segment in script.segments if segment.copy] == [3, 1]


def test_psql_is_of_the_servers_version(tools: Path, target: Target) -> None:
    with connect(target, application_name="test") as connection:
        assert (
            str(connection.version // 10000)
            in subprocess.run([str(tools / "psql"), "--version"], capture_output=True, text=True).stdout
        )
    assert shutil.which(str(tools / "pg_dump"))
