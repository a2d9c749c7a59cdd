"""Entities, modules, profiles and drafts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "001"
down_revision = None
branch_labels = None
depends_on = None

# Made and dropped by name below. Left to the columns (create_type=True), each type would be made
# a second time with its table, and the migration would end in DuplicateObjectError.
ENTITY_TYPE = postgresql.ENUM(
    "category", "property", "subobject", name="entity_type", create_type=False
)
DRAFT_STATUS = postgresql.ENUM(
    "editing", "submitted", "applied", "rejected", name="draft_status", create_type=False
)
LIVE = sa.text("deleted_at IS NULL")
NOW = sa.text("now()")


def row() -> list[sa.Column]:
    """The columns that every table has."""
    return [
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
    ]


def json(name: str, default: str) -> sa.Column:
    return sa.Column(
        name, postgresql.JSONB(), server_default=sa.text(f"'{default}'"), nullable=False
    )


def newest_first(table: str) -> None:
    columns = [sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index(f"{table}_newest_first", table, columns)


def one_per_name(table: str, *columns: str) -> None:
    op.create_index(
        f"{table}_one_per_name", table, list(columns), unique=True, postgresql_where=LIVE
    )


def by_json(name: str, table: str, column: str) -> None:
    ops = {column: "jsonb_path_ops"}
    op.create_index(name, table, [column], postgresql_using="gin", postgresql_ops=ops)


def upgrade() -> None:
    bind = op.get_bind()
    ENTITY_TYPE.create(bind, checkfirst=True)
    DRAFT_STATUS.create(bind, checkfirst=True)
    create_entities()
    create_modules()
    create_profiles()
    create_drafts()


def create_entities() -> None:
    op.create_table(
        "entities",
        *row(),
        sa.Column("entity_id", sa.String(100), nullable=False),
        sa.Column("entity_type", ENTITY_TYPE, nullable=False),
        sa.Column("label", sa.String(255), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        json("schema_definition", "{}"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("btrim(label) <> ''", name="entities_label_not_blank"),
        sa.CheckConstraint(
            "jsonb_typeof(schema_definition) = 'object'", name="entities_definition_is_object"
        ),
    )
    one_per_name("entities", "entity_type", "entity_id")
    newest_first("entities")
    by_json("entities_by_definition", "entities", "schema_definition")


def create_modules() -> None:
    op.create_table(
        "modules",
        *row(),
        sa.Column("module_id", sa.String(100), nullable=False),
        sa.Column("label", sa.String(255), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("version", sa.String(50), server_default=sa.text("'1.0.0'"), nullable=False),
        json("category_ids", "[]"),
        json("dependencies", "[]"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("btrim(label) <> ''", name="modules_label_not_blank"),
        sa.CheckConstraint(
            "jsonb_typeof(category_ids) = 'array' AND jsonb_typeof(dependencies) = 'array'",
            name="modules_ids_are_arrays",
        ),
    )
    one_per_name("modules", "module_id")
    newest_first("modules")
    by_json("modules_by_category", "modules", "category_ids")
    by_json("modules_by_dependency", "modules", "dependencies")


def create_profiles() -> None:
    op.create_table(
        "profiles",
        *row(),
        sa.Column("profile_id", sa.String(100), nullable=False),
        sa.Column("label", sa.String(255), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        json("module_ids", "[]"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("btrim(label) <> ''", name="profiles_label_not_blank"),
        sa.CheckConstraint("jsonb_typeof(module_ids) = 'array'", name="profiles_ids_are_an_array"),
    )
    one_per_name("profiles", "profile_id")
    newest_first("profiles")
    by_json("profiles_by_module", "profiles", "module_ids")


def create_drafts() -> None:
    op.create_table(
        "drafts",
        *row(),
        sa.Column("title", sa.String(255), nullable=False),
        json("changes", "{}"),
        sa.Column("status", DRAFT_STATUS, server_default=sa.text("'editing'"), nullable=False),
        sa.Column("capability_hash", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("btrim(title) <> ''", name="drafts_title_not_blank"),
        sa.CheckConstraint("jsonb_typeof(changes) = 'object'", name="drafts_changes_are_an_object"),
        sa.CheckConstraint("capability_hash ~ '^[0-9a-f]{64}$'", name="drafts_hash_is_sha256"),
    )
    columns = ["status", sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index("drafts_by_status", "drafts", columns)
    newest_first("drafts")


def downgrade() -> None:
    for table in ("drafts", "profiles", "modules", "entities"):
        op.drop_table(table)
    bind = op.get_bind()
    DRAFT_STATUS.drop(bind, checkfirst=True)
    ENTITY_TYPE.drop(bind, checkfirst=True)
