"""The schema of db/001 to db/003."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("001_schema.sql", "002_events.sql", "003_updated_at.sql"):
        run_sql_file(name)


def downgrade() -> None:
    for table in ("execution_events", "node_executions", "workflow_runs", "workflows"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION ensure_execution_event_partitions(integer, timestamptz)")
    op.execute("DROP FUNCTION set_updated_at()")
    for kind in ("event_type", "node_status", "workflow_run_status"):
        op.execute(f"DROP TYPE {kind}")
