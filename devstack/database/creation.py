"""Making a database that the server does not have yet."""

from __future__ import annotations

from dataclasses import replace

from devstack.database.connection import connect
from devstack.database.outcome import DatabaseMissing, StatementRefused, named
from devstack.database.target import Target


def create_database(target: Target, *, application_name: str, deadline: float | None = None) -> bool:
    """Make the target's database on its server, owned by the target's user. False when somebody else just made it."""
    for maintenance in ("postgres", "template1"):
        try:
            connection = connect(replace(target, database=maintenance), application_name=application_name, deadline=deadline)
        except DatabaseMissing:
            continue
        with connection:
            try:
                connection.rows(f"CREATE DATABASE {connection.identifier(target.database)}")
            except StatementRefused as error:
                if error.fault.sqlstate == "42P04":
                    return False
                raise
            return True
    raise DatabaseMissing(f"{named(target)} has neither a database postgres nor template1 to create {target.database} from")
