"""How far the project's own migration tool has brought a database, as its own table says."""

from __future__ import annotations

from devstack.database.connection import Connection
from devstack.database.outcome import StatementRefused

_HEADS = {
    "alembic": "SELECT string_agg(version_num, ', ' ORDER BY version_num) FROM alembic_version",
    "prisma": "SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL "
    "ORDER BY finished_at DESC, migration_name DESC LIMIT 1",
    "django": "SELECT count(*) || ' migrations, last ' || (array_agg(app || '.' || name ORDER BY id DESC))[1] FROM django_migrations",
    "dbmate": "SELECT max(version) FROM schema_migrations",
}


def head(connection: Connection, tool: str) -> str:
    """The tool's last migration in this database; "" where it has none or keeps no table that devstack knows."""
    query = _HEADS.get(tool)
    if query is None:
        return ""
    try:
        rows = connection.rows(query)
    except StatementRefused as error:
        if error.fault.sqlstate == "42P01":
            return ""
        raise
    return str(rows[0][0] or "") if rows else ""
