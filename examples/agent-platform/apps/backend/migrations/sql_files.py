"""Runs the files of db/, so that devstack and Alembic make one and the same schema."""

from pathlib import Path
from typing import Any

from alembic import context, op
from sqlalchemy.util import await_only

FOLDER = Path(__file__).parent.parent / "db"


def run_sql_file(name: str) -> None:
    script = (FOLDER / name).read_text(encoding="utf-8")
    if context.is_offline_mode():
        # As it stands: op.execute() would take its colons and percent signs for parameters.
        op.get_context().impl.static_output(script)
        return
    # SQLAlchemy prepares each statement, and a prepared statement is one statement. The driver's
    # own execute() takes a whole script, inside the transaction that Alembic has opened.
    connection: Any = op.get_bind().connection.driver_connection
    await_only(connection.execute(script))
