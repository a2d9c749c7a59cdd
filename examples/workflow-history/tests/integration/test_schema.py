"""The migrations and the models make one schema, with the indexes that the queries need."""

import psycopg2
import pytest
from here import Database

COLUMNS = """
    SELECT format('%s.%s %s %s %s', c.relname, a.attname,
                  format_type(a.atttypid, a.atttypmod), a.attnotnull,
                  pg_get_expr(d.adbin, d.adrelid))
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
"""
CONSTRAINTS = """
    SELECT format('%s.%s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"


def catalog(database: Database) -> set[str]:
    facts = {
        fact for question in (COLUMNS, CONSTRAINTS, INDEXES) for fact in database.column(question)
    }
    return {fact for fact in facts if "alembic_version" not in fact}


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    checked = database.alembic("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "No new upgrade operations detected." in checked.stdout


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE runs DROP COLUMN final_output",
        "DROP INDEX runs_workflow_id_started_at",
        "ALTER TABLE nodes DROP CONSTRAINT nodes_workflow_id_order_index",
    ],
)
def test_a_database_that_differs_is_noticed(database: Database, change: str) -> None:
    # The check above would be worth nothing if it could not fail.
    database.execute(change)
    assert database.alembic("check").returncode != 0


def test_a_downgrade_leaves_nothing_and_an_upgrade_brings_it_back(database: Database) -> None:
    before = catalog(database)
    assert len(before) > 40
    assert database.alembic("downgrade", "base").returncode == 0
    assert catalog(database) == set()
    assert database.alembic("upgrade", "head").returncode == 0
    assert catalog(database) == before


def test_the_offline_script_makes_the_same_schema(database: Database) -> None:
    before = catalog(database)
    script = database.alembic("upgrade", "head", "--sql")
    assert script.returncode == 0, script.stderr
    database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    database.execute(script.stdout)
    assert catalog(database) == before


def test_the_tables_have_the_columns_that_were_planned(pristine: Database) -> None:
    columns = pristine.column(COLUMNS)
    assert "nodes.node_type text t " in columns
    assert "nodes.config jsonb t '{}'::jsonb" in columns
    for column in ("runs.input", "runs.final_output", "run_nodes.input", "run_nodes.output"):
        assert f"{column} jsonb f " in columns
    for table in ("workflows", "nodes", "runs", "run_nodes"):
        assert f"{table}.id uuid t gen_random_uuid()" in columns
    indexes = " ".join(pristine.column(INDEXES))
    assert "ON public.nodes USING btree (workflow_id, order_index)" in indexes
    assert "ON public.runs USING btree (workflow_id, started_at DESC)" in indexes
    # "JSONB without GIN initially".
    assert "USING gin" not in indexes


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (
            "nodes WHERE workflow_id = gen_random_uuid() ORDER BY order_index",
            "nodes_workflow_id_order_index",
        ),
        (
            "runs WHERE workflow_id = gen_random_uuid() ORDER BY started_at DESC",
            "runs_workflow_id_started_at",
        ),
        ("runs WHERE status = 'running' AND started_at < now()", "runs_in_flight"),
        (
            "run_nodes WHERE run_id = gen_random_uuid() ORDER BY order_index",
            "run_nodes_run_id_order_index",
        ),
        ("run_nodes WHERE node_id = '00000000-0000-4000-8000-000000000000'", "run_nodes_node_id"),
    ],
)
def test_the_queries_of_the_api_can_use_their_indexes(
    pristine: Database, query: str, index: str
) -> None:
    # On an empty table reading it whole is cheapest; the question is whether the index fits.
    settings = "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off; "
    query = query.replace("gen_random_uuid()", "'00000000-0000-4000-8000-000000000000'")
    plan = "\n".join(pristine.column(f"{settings}EXPLAIN SELECT * FROM {query}"))
    assert index in plan
    assert "Sort" not in plan


W = "WITH w AS (INSERT INTO workflows (name) VALUES ('x') RETURNING id) "


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO workflows (name) VALUES (' ')",
        W + "INSERT INTO nodes (workflow_id, order_index, node_type) SELECT id, -1, 'x' FROM w",
        W + "INSERT INTO nodes (workflow_id, order_index, node_type, config)"
        " SELECT id, 0, 'x', '[]' FROM w",
        W + "INSERT INTO runs (workflow_id, status) SELECT id, 'lost' FROM w",
        W + "INSERT INTO runs (workflow_id, status) SELECT id, 'succeeded' FROM w",
        W + "INSERT INTO runs (workflow_id, status, finished_at) SELECT id, 'failed', now() FROM w",
    ],
)
def test_the_database_refuses_what_cannot_be(pristine: Database, sql: str) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation):
        pristine.execute(sql)
