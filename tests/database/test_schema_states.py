"""The ledger as a set: every state a file can have, and what an apply makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.database import amend, ledger
from devstack.database.connection import Connection, connect
from devstack.database.preview import preview
from devstack.database.schema import CLEAN, SchemaFiles, ToolKey, Wish, apply, status
from devstack.database.target import Target
from devstack.errors import DevstackError, SqlError
from tests.database.server import tables

Schema = Callable[..., SchemaFiles]
A = "create table a (id int);\n"
B = "create table b (id int);\n"


def states(target: Target, files: SchemaFiles) -> dict[str, str]:
    return {state.path.removeprefix("db/"): state.state for state in status(target, files)}


def notes(target: Target, files: SchemaFiles) -> dict[str, str]:
    return {state.path.removeprefix("db/"): state.note for state in status(target, files)}


def grown(files: SchemaFiles, **groups: dict[str, str]) -> SchemaFiles:
    """The same with roles, repeatables and seeds: group -> name -> text."""

    def write(name: str, text: str) -> Path:
        path = files.root / "db" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return replace(files, **{group: tuple(write(n, t) for n, t in named.items()) for group, named in groups.items()})  # type: ignore[arg-type]


def applied(target: Target, files: SchemaFiles, wish: Wish | None = None) -> list[str]:
    return [result.path.removeprefix("db/") for result in apply(target, files, wish=wish).applied]


def test_roles_come_first_then_files_then_repeatables_then_seeds(target: Target, schema: Schema) -> None:
    files = grown(
        schema(a=A),
        seeds={"seed.sql": "insert into a select * from v;"},
        repeatable={"v.sql": "create or replace view v as select 7 as id;"},
        roles={"roles.sql": f"do $$ begin create role {target.database}_r; exception when duplicate_object then null; end $$;"},
    )
    assert applied(target, files) == ["roles.sql", "a.sql", "v.sql", "seed.sql"]
    assert applied(target, files) == []


def test_a_changed_repeatable_and_role_run_again_and_a_changed_seed_only_when_asked(
    target: Target, schema: Schema, database: Connection
) -> None:
    def made(number: int) -> SchemaFiles:
        return grown(
            schema(a=A),
            seeds={"seed.sql": f"insert into a values ({number});"},
            repeatable={"v.sql": f"create or replace view v as select {number} as id;"},
            roles={"roles.sql": f"do $$ begin perform {number}; end $$;"},
        )

    apply(target, made(1))
    assert states(target, made(2)) == {"roles.sql": "pending", "a.sql": "applied", "v.sql": "pending", "seed.sql": "applied"}
    assert "reseed: true" in notes(target, made(2))["seed.sql"]
    assert applied(target, made(2)) == ["roles.sql", "v.sql"]
    assert applied(target, replace(made(2), reseed=True)) == ["seed.sql"]
    assert database.rows("SELECT id FROM a ORDER BY id") == [(1,), (2,)]
    assert database.rows("SELECT id FROM v") == [(2,)]


def test_seeds_are_left_out_when_they_are_not_wanted(target: Target, schema: Schema) -> None:
    files = grown(schema(a=A), seeds={"seed.sql": "insert into a values (1);"})
    assert applied(target, files, Wish(seeds=False)) == ["a.sql"]
    assert states(target, files) == {"a.sql": "applied", "seed.sql": "pending"}
    assert applied(target, files) == ["seed.sql"]


def test_a_seed_of_data_is_loaded_and_recorded_in_one_transaction(target: Target, schema: Schema, database: Connection) -> None:
    files = grown(schema(a="create table a (id int primary key, t text);"), seeds={"seed/a.csv": "id,t\n1,one\n1,again\n"})
    with pytest.raises(DevstackError):
        apply(target, files)
    assert states(target, files) == {"a.sql": "applied", "seed/a.csv": "pending"}
    assert database.rows("SELECT count(*) FROM a") == [(0,)]
    files = grown(files, seeds={"seed/a.csv": "id,t\n1,one\n2,two\n"})
    assert applied(target, files) == ["seed/a.csv"]
    assert database.rows("SELECT count(*) FROM a") == [(2,)]


def test_a_file_that_sorts_before_applied_ones_is_told_and_follows_the_policy(target: Target, schema: Schema) -> None:
    apply(target, schema(b=B))
    files = schema(a=A, b=B)
    assert states(target, files) == {"a.sql": "out-of-order", "b.sql": "applied"}
    with pytest.raises(DevstackError) as caught:
        apply(target, replace(files, out_of_order="error"))
    assert caught.value.code == "schema-out-of-order" and "db/a.sql" in caught.value.message
    assert applied(target, replace(files, out_of_order="apply")) == ["a.sql"]


def test_a_new_file_at_the_end_is_not_out_of_order(target: Target, schema: Schema) -> None:
    apply(target, schema(a=A))
    assert states(target, schema(a=A, b=B)) == {"a.sql": "applied", "b.sql": "pending"}


@pytest.mark.parametrize("now", ["-- why\n" + A, "create   table a\n\n(id int);", "/* x */ " + A + "-- end\n"])
def test_an_edit_of_comments_and_blanks_is_no_edit(target: Target, schema: Schema, now: str) -> None:
    apply(target, schema(a=A))
    assert states(target, schema(a=now)) == {"a.sql": "edited-comments"}
    assert applied(target, schema(a=now, b=B)) == ["b.sql"]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("select '-- a';", "select '-- b';"),
        ("do $$ begin null; -- a\nend $$;", "do $$ begin null; -- b\nend $$;"),
        ("create table c (id int);\ncopy c from stdin;\n1\n\\.\n", "create table c (id int);\ncopy c from stdin;\n2\n\\.\n"),
        ("select 'a  b';", "select 'a b';"),
        ('select 1 as "a  b";', 'select 1 as "a b";'),
    ],
)
def test_an_edit_inside_quotes_bodies_and_data_is_an_edit(target: Target, schema: Schema, before: str, now: str) -> None:
    apply(target, schema(a=before))
    assert states(target, schema(a=now)) == {"a.sql": "edited"}


def test_adding_a_way_back_to_an_applied_file_is_no_edit(target: Target, schema: Schema) -> None:
    apply(target, schema(a=A))
    assert states(target, schema(a=A + "-- devstack: down\ndrop table a;\n")) == {"a.sql": "edited-comments"}


def test_an_edited_file_may_be_left_as_it_was_applied(target: Target, schema: Schema, database: Connection) -> None:
    apply(target, schema(a=A))
    files = schema(a="create table a (id bigint);", b=B)
    heard: list[str] = []
    done = apply(target, replace(files, edited="warn"), on_file=lambda path, state, text="": heard.append(f"{state} {path}"))
    assert done.left == ("db/a.sql",) and [r.path for r in done.applied] == ["db/b.sql"]
    assert "notice db/a.sql" in heard
    assert states(target, files)["a.sql"] == "edited"
    assert tables(database) == ["a", "b"]


def test_the_policy_ask_asks_and_a_no_is_a_refusal(target: Target, schema: Schema) -> None:
    apply(target, schema(a=A))
    files = replace(schema(a="create table a (id bigint);", b=B), edited="ask")
    asked: list[tuple[str, ...]] = []
    with pytest.raises(DevstackError) as caught:
        apply(target, files, wish=Wish(may_pass=lambda paths: bool(asked.append(paths))))
    assert caught.value.code == "schema-edited" and asked == [("db/a.sql",)]
    assert applied(target, files, Wish(may_pass=lambda paths: True)) == ["b.sql"]


def test_a_file_that_stopped_half_way_says_where(target: Target, schema: Schema) -> None:
    files = schema(a="-- devstack: transaction=none\ncreate table a (id int);\ninsert into nope values (1);\nselect 1;\n")
    with pytest.raises(SqlError):
        apply(target, files)
    (state,) = status(target, files)
    assert state.state == "failed" and state.note.startswith("stopped after 1 of 3 statements: ")


def test_apply_goes_to_a_file_and_no_further(target: Target, schema: Schema) -> None:
    files = grown(schema(a=A, b=B, c="select 1;"), seeds={"s.sql": "select 1;"}, repeatable={"v.sql": "select 1;"})
    assert applied(target, files, Wish(to="db/b.sql")) == ["a.sql", "b.sql"]
    assert applied(target, files) == ["c.sql", "v.sql", "s.sql"]


def test_a_preview_changes_nothing_and_says_how_each_would_run(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(a=A, b="create index concurrently on a (id);", c="vacuum a;")
    found = preview(target, files, Wish())
    assert [(p.path, p.how) for p in found.planned] == [
        ("db/a.sql", "in one transaction"),
        ("db/b.sql", "statement by statement"),
        ("db/c.sql", "statement by statement"),
    ]
    assert "CONCURRENTLY" in found.planned[1].why.upper()
    assert tables(database) == []
    assert database.rows("SELECT to_regnamespace('devstack')") == [(None,)]
    assert preview(replace(target, database=f"{target.database}_none"), files, Wish()).makes_database


def test_a_baseline_records_without_running(target: Target, schema: Schema, database: Connection) -> None:
    files = schema(a=A, b=B, c="create table c (id int);")
    database.run(A + B)
    done = amend.baseline(target, files, "db/b.sql")
    assert [a.path for a in done] == ["db/a.sql", "db/b.sql"]
    assert states(target, files) == {"a.sql": "baseline", "b.sql": "baseline", "c.sql": "pending"}
    assert applied(target, files) == ["c.sql"]
    assert all(state.state in CLEAN for state in status(target, files))
    with pytest.raises(DevstackError) as caught:
        amend.baseline(target, files)
    assert caught.value.code == "schema-baseline"


def test_repair_records_an_edit_forgets_what_is_gone_and_touches_no_table(
    target: Target, schema: Schema, database: Connection
) -> None:
    apply(target, schema(a=A, b=B))
    files = schema(a="create table a (id bigint);")
    assert states(target, files) == {"a.sql": "edited", "b.sql": "missing"}
    done = amend.repair(target, files, ["db/a.sql", "b.sql"])
    assert [(a.what, a.before) for a in done] == [("recorded", "edited"), ("forgotten", "missing")]
    assert states(target, files) == {"a.sql": "applied"}
    assert database.rows("SELECT format_type(atttypid, -1) FROM pg_attribute WHERE attrelid = 'a'::regclass AND attnum = 1") == [
        ("integer",)
    ]
    assert tables(database) == ["a", "b"]


def test_repair_forgets_what_is_to_run_again_and_guesses_nothing(target: Target, schema: Schema) -> None:
    files = schema(a="-- devstack: transaction=none\ncreate table a (id int);\nselect nope;\n")
    with pytest.raises(SqlError):
        apply(target, files)
    with pytest.raises(DevstackError) as caught:
        amend.repair(target, files, ["db/a.sql"])
    assert caught.value.code == "schema-repair" and "--forget" in " ".join(caught.value.hints)
    amend.repair(target, files, ["db/a.sql"], forget=True)
    assert states(target, files) == {"a.sql": "pending"}
    with pytest.raises(DevstackError, match="known neither"):
        amend.repair(target, files, ["db/none.sql"])


_OLD = """
CREATE SCHEMA devstack;
CREATE TABLE devstack.schema_history (
  path text PRIMARY KEY,
  kind text NOT NULL DEFAULT 'versioned' CHECK (kind IN ('versioned', 'repeatable', 'seed', 'baseline', 'external')),
  position int NOT NULL, checksum text NOT NULL, body text,
  state text NOT NULL CHECK (state IN ('applied', 'running', 'failed')),
  statements int, statements_done int, sqlstate text, error text, run_id text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(), duration_ms int, applied_by text NOT NULL DEFAULT session_user,
  tool_version text NOT NULL);
INSERT INTO devstack.schema_history (path, position, checksum, body, state, run_id, tool_version)
  SELECT path, position, checksum, body, state, run_id, tool_version FROM kept
"""


def test_a_ledger_of_an_older_devstack_is_read_and_brought_up_to_date_in_place(
    target: Target, schema: Schema, database: Connection
) -> None:
    apply(target, schema(a=A))
    assert database.run("CREATE TABLE kept AS SELECT * FROM devstack.schema_history; DROP SCHEMA devstack CASCADE;" + _OLD) is None
    assert states(target, schema(a=A, b=B)) == {"a.sql": "applied", "b.sql": "pending"}
    files = grown(schema(a=A, b=B), roles={"r.sql": "select 1;"})
    assert applied(target, files) == ["r.sql", "b.sql"]
    assert ledger.read(database)["db/b.sql"].tokens is not None


def test_a_tool_runs_when_its_key_changed_and_its_head_is_kept(target: Target, schema: Schema, database: Connection) -> None:
    runs: list[int] = []

    def migrate() -> None:
        runs.append(1)
        with connect(target, application_name="tool") as tool:
            tool.rows("CREATE TABLE IF NOT EXISTS alembic_version (version_num text)")
            tool.rows("DELETE FROM alembic_version")
            tool.rows("INSERT INTO alembic_version VALUES (%s)", (f"rev{len(runs)}",))

    wish = Wish(run_tool=migrate)
    files = replace(schema(a="not sql, the tool reads it"), tool=ToolKey("alembic", "key 1"))
    done = apply(target, files, wish=wish)
    assert (done.tool, done.head, [r.path for r in done.applied]) == ("alembic", "rev1", ["tool:alembic"])
    assert apply(target, files, wish=wish).applied == () and len(runs) == 1
    (state,) = status(target, files)
    assert (state.state, state.head, state.kind) == ("external", "rev1", "external")
    assert apply(target, replace(files, tool=ToolKey("alembic", "key 2")), wish=wish).head == "rev2"
    apply(target, replace(files, tool=ToolKey("alembic")), wish=wish)
    assert len(runs) == 3, "without a key nobody knows, so it runs"


def test_a_tool_that_fails_is_not_recorded_and_seeds_wait_for_it(target: Target, schema: Schema) -> None:
    def fail() -> None:
        raise DevstackError("it failed")

    files = grown(replace(schema(), tool=ToolKey("alembic", "k")), seeds={"s.sql": "select 1;"}, roles={"r.sql": "select 1;"})
    with pytest.raises(DevstackError, match="it failed"):
        apply(target, files, wish=Wish(run_tool=fail))
    assert states(target, files) == {"r.sql": "applied", "tool:alembic": "pending", "s.sql": "pending"}


def test_files_run_without_a_transaction_where_the_schema_says_so_and_their_header_does_not(
    target: Target, schema: Schema, database: Connection
) -> None:
    files = replace(schema(a=A + "select nope;\n", b="-- devstack: transaction=file\n" + B + "select nope;\n"), transaction="none")
    assert [p.how for p in preview(target, files, Wish()).planned] == ["statement by statement", "in one transaction"]
    with pytest.raises(SqlError):
        apply(target, files)
    assert tables(database) == ["a"] and states(target, files) == {"a.sql": "failed", "b.sql": "pending"}
    with pytest.raises(SqlError):
        apply(
            target,
            replace(schema(a=A + "select 1;\n", b="-- devstack: transaction=file\n" + B + "select nope;\n"), transaction="none"),
        )
    assert tables(database) == ["a"]
