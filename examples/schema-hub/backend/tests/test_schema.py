"""What the database itself refuses, and that the migrations and the models make one schema."""

from collections.abc import Callable

import asyncpg
import httpx
import pytest
from conftest import Scratch

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
ENUMS = """
    SELECT format('%s: %s', typname, string_agg(enumlabel, ', ' ORDER BY enumsortorder))
      FROM pg_type JOIN pg_enum ON enumtypid = pg_type.oid GROUP BY typname
"""
HASH = "0" * 64


def catalog(database: Scratch) -> set[str]:
    questions = (COLUMNS, CONSTRAINTS, INDEXES, ENUMS)
    facts = {fact for question in questions for fact in database.column(question)}
    return {fact for fact in facts if "alembic_version" not in fact}


def test_the_migrations_make_what_the_models_say(database: Scratch) -> None:
    checked = database.alembic("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "No new upgrade operations detected." in checked.stdout
    assert "Warning" not in checked.stderr


def test_a_model_that_differs_is_noticed(database: Scratch) -> None:
    # The check above would be worth nothing if it could not fail.
    database.execute("ALTER TABLE modules DROP COLUMN version")
    checked = database.alembic("check")
    assert checked.returncode != 0
    assert "version" in checked.stdout + checked.stderr


def test_create_tables_makes_the_same_schema_as_the_migrations(
    database: Scratch, start_api: Callable[..., httpx.Client]
) -> None:
    by_migrations = catalog(database)
    assert "entity_type: category, property, subobject" in by_migrations
    assert "draft_status: editing, submitted, applied, rejected" in by_migrations
    database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    api = start_api(database.url, create_tables="true")
    assert api.get("/entities").json()["total"] == 0
    assert catalog(database) == by_migrations


def test_a_second_start_with_create_tables_changes_nothing(
    database: Scratch, start_api: Callable[..., httpx.Client]
) -> None:
    before = catalog(database)
    assert start_api(database.url, create_tables="true").get("/entities").status_code == 200
    assert catalog(database) == before


def test_a_downgrade_leaves_nothing_and_an_upgrade_brings_it_back(database: Scratch) -> None:
    before = catalog(database)
    down = database.alembic("downgrade", "base")
    assert down.returncode == 0, down.stderr
    assert catalog(database) == set()
    up = database.alembic("upgrade", "head")
    assert up.returncode == 0, up.stderr
    assert catalog(database) == before


def test_the_offline_script_makes_the_same_schema(database: Scratch) -> None:
    before = catalog(database)
    script = database.alembic("upgrade", "head", "--sql")
    assert script.returncode == 0, script.stderr
    database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    database.execute(script.stdout)
    assert catalog(database) == before


def test_every_table_has_uuid_keys_times_and_a_soft_delete(database: Scratch) -> None:
    columns = database.column(COLUMNS)
    for table in ("entities", "modules", "profiles", "drafts"):
        assert f"{table}.id uuid t gen_random_uuid()" in columns
        assert f"{table}.created_at timestamp with time zone t now()" in columns
        assert f"{table}.updated_at timestamp with time zone t now()" in columns
        assert f"{table}.deleted_at timestamp with time zone f " in columns
    for column in (
        "entities.schema_definition",
        "modules.category_ids",
        "modules.dependencies",
        "profiles.module_ids",
        "drafts.changes",
    ):
        assert any(one.startswith(f"{column} jsonb t ") for one in columns)
    assert "entities.entity_type entity_type t " in columns
    assert "drafts.status draft_status t 'editing'::draft_status" in columns


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        (
            "INSERT INTO entities (entity_id, entity_type, label) VALUES ('A', 'thing', 'x')",
            asyncpg.InvalidTextRepresentationError,
        ),
        (
            "INSERT INTO entities (entity_id, entity_type, label) VALUES ('A', 'category', ' ')",
            asyncpg.CheckViolationError,
        ),
        (
            "INSERT INTO entities (entity_id, entity_type, label, schema_definition)"
            " VALUES ('A', 'category', 'x', '[]')",
            asyncpg.CheckViolationError,
        ),
        (
            "INSERT INTO modules (module_id, label, category_ids) VALUES ('m', 'x', '{}')",
            asyncpg.CheckViolationError,
        ),
        (
            "INSERT INTO drafts (title, capability_hash, expires_at)"
            " VALUES ('d', 'a token, not its hash', now())",
            asyncpg.CheckViolationError,
        ),
        (
            f"INSERT INTO drafts (title, capability_hash, expires_at, status)"
            f" VALUES ('d', '{HASH}', now(), 'lost')",
            asyncpg.InvalidTextRepresentationError,
        ),
    ],
)
def test_the_database_refuses_what_cannot_be(
    database: Scratch, sql: str, refused: type[Exception]
) -> None:
    with pytest.raises(refused):
        database.execute(sql)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("entities WHERE schema_definition @> '{\"a\": 1}'", "entities_by_definition"),
        ("modules WHERE category_ids @> '[\"x\"]'", "modules_by_category"),
        ("modules WHERE dependencies @> '[\"x\"]'", "modules_by_dependency"),
        ("profiles WHERE module_ids @> '[\"x\"]'", "profiles_by_module"),
        ("drafts WHERE status = 'editing' ORDER BY created_at DESC, id DESC", "drafts_by_status"),
        ("entities ORDER BY created_at DESC, id DESC LIMIT 1", "entities_newest_first"),
    ],
)
def test_the_queries_of_the_api_can_use_their_indexes(
    database: Scratch, query: str, index: str
) -> None:
    async def plan(connection: asyncpg.Connection) -> str:
        # On an empty table reading it whole is cheapest; the question is whether the index fits.
        await connection.execute("SET enable_seqscan = off; SET enable_sort = off")
        return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN SELECT * FROM {query}"))

    assert index in database.do(plan)
