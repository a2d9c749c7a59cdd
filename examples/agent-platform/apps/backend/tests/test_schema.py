"""What the database itself refuses, and that Alembic and db/*.sql make one schema."""

from typing import Any

import asyncpg
import pytest
from conftest import SQL_FILES, Scratch

A_RUN = """
    WITH one AS (INSERT INTO workflows (name) VALUES ('w') RETURNING id)
    INSERT INTO workflow_runs (workflow_id) SELECT id FROM one;
"""

COLUMNS = """
    SELECT format('%s.%s %s %s %s', c.relname, a.attname,
                  format_type(a.atttypid, a.atttypmod), a.attnotnull,
                  pg_get_expr(d.adbin, d.adrelid))
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
"""
CONSTRAINTS = """
    SELECT format('%s.%s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
TRIGGERS = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
FUNCTIONS = (
    "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
)
PARTITIONS = "SELECT relid::regclass::text FROM pg_partition_tree('execution_events')"


def catalog(database: Scratch) -> set[str]:
    questions = (COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS, FUNCTIONS, PARTITIONS)
    facts = {fact for question in questions for fact in database.column(question)}
    return {fact for fact in facts if "alembic_version" not in fact}


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        ("INSERT INTO workflows (name) VALUES (' ')", asyncpg.CheckViolationError),
        ("INSERT INTO workflows (name) VALUES (NULL)", asyncpg.NotNullViolationError),
        (
            "INSERT INTO workflows (name, definition) VALUES ('w', '[]')",
            asyncpg.CheckViolationError,
        ),
        (
            "INSERT INTO node_executions (run_id, node_id, tokens_used)"
            " SELECT id, 'n', -1 FROM workflow_runs",
            asyncpg.CheckViolationError,
        ),
        ("UPDATE workflow_runs SET status = 'completed'", asyncpg.CheckViolationError),
        ("UPDATE workflow_runs SET status = 'lost'", asyncpg.InvalidTextRepresentationError),
        (
            "INSERT INTO execution_events (run_id, event_type) VALUES (gen_random_uuid(), 'log')",
            asyncpg.ForeignKeyViolationError,
        ),
    ],
)
def test_the_database_refuses_what_cannot_be(
    database: Scratch, sql: str, refused: type[Exception]
) -> None:
    database.execute(A_RUN)
    with pytest.raises(refused):
        database.execute(sql)


def test_an_update_moves_updated_at_and_an_idle_one_does_not(database: Scratch) -> None:
    database.execute(A_RUN)
    database.execute("UPDATE workflows SET name = name")
    assert database.value("SELECT updated_at = created_at FROM workflows")
    database.execute("UPDATE workflows SET name = 'other'")
    assert database.value("SELECT updated_at > created_at FROM workflows")


def test_this_month_and_the_next_two_have_partitions(database: Scratch) -> None:
    names = database.column(
        "SELECT to_char(now() AT TIME ZONE 'UTC' + make_interval(months => n),"
        ' \'"execution_events_y"YYYY"m"MM\') FROM generate_series(0, 2) AS n'
    )
    assert set(database.column(PARTITIONS)) == {
        "execution_events",
        "execution_events_default",
        *names,
    }


def test_making_partitions_twice_makes_nothing_new(database: Scratch) -> None:
    assert database.column("SELECT ensure_execution_event_partitions()") == []


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_a_new_partition_takes_over_the_rows_of_its_month(database: Scratch, zone: str) -> None:
    moments = [
        "2020-01-31 23:59:59.999999+00",
        "2020-02-01+00",
        "2020-02-29 23:59+00",
        "2020-03-01+00",
    ]
    database.execute(A_RUN)
    for moment in moments:
        database.execute(
            "INSERT INTO execution_events (run_id, event_type, timestamp)"
            f" SELECT id, 'log', '{moment}' FROM workflow_runs"
        )

    async def make(connection: asyncpg.Connection) -> list[Any]:
        await connection.execute(f"SET timezone = '{zone}'")
        call = "SELECT ensure_execution_event_partitions(0, '2020-02-15+00')"
        return [row[0] for row in await connection.fetch(call)]

    assert database.do(make) == ["execution_events_y2020m02"]
    where = "SELECT tableoid::regclass::text FROM execution_events ORDER BY timestamp"
    default, month = "execution_events_default", "execution_events_y2020m02"
    assert database.column(where) == [default, month, month, default]


def test_no_file_controls_transactions() -> None:
    # devstack and Alembic both wrap each file in a transaction of their own.
    lines = [line.strip().upper() for file in SQL_FILES for line in file.read_text().splitlines()]
    assert "CREATE TABLE WORKFLOWS (" in lines
    assert not [line for line in lines if line in ("BEGIN;", "COMMIT;", "ROLLBACK;")]


def test_models_and_sql_files_agree(database: Scratch) -> None:
    stamped = database.run_module("alembic", "stamp", "head")
    assert stamped.returncode == 0, stamped.stderr
    checked = database.run_module("alembic", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_model_that_differs_is_noticed(database: Scratch) -> None:
    # The check above would be worth nothing if it could not fail.
    database.run_module("alembic", "stamp", "head")
    database.execute("ALTER TABLE workflows DROP COLUMN definition")
    checked = database.run_module("alembic", "check")
    assert checked.returncode != 0
    assert "definition" in checked.stdout + checked.stderr


def test_alembic_makes_the_same_schema_and_takes_it_away(database: Scratch) -> None:
    by_files = catalog(database)
    assert any("tokens_used >= 0" in fact for fact in by_files)
    database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    upgraded = database.run_module("alembic", "upgrade", "head")
    assert upgraded.returncode == 0, upgraded.stderr
    assert catalog(database) == by_files
    assert database.run_module("alembic", "check").returncode == 0
    assert database.run_module("alembic", "downgrade", "base").returncode == 0
    assert database.column(COLUMNS) == ["alembic_version.version_num character varying(32) t "]
    for leftovers in (FUNCTIONS, "SELECT typname FROM pg_type WHERE typtype = 'e'"):
        assert database.column(leftovers) == []


def test_the_offline_script_makes_the_same_schema(database: Scratch) -> None:
    by_files = catalog(database)
    script = database.run_module("alembic", "upgrade", "head", "--sql")
    assert script.returncode == 0, script.stderr
    database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    database.execute(script.stdout)
    assert catalog(database) == by_files
