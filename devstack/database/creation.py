"""Making a database that the server does not have yet."""

from __future__ import annotations

from dataclasses import replace

from devstack.database.connection import Connection, connect
from devstack.database.outcome import DatabaseMissing, StatementRefused, named
from devstack.database.target import Target


def maintenance(target: Target, *, application_name: str, deadline: float | None = None) -> Connection:
    """A session with the server's own database, from which others are made and dropped."""
    for database in ("postgres", "template1"):
        try:
            return connect(replace(target, database=database), application_name=application_name, deadline=deadline)
        except DatabaseMissing:
            continue
    raise DatabaseMissing(f"{named(target)} has neither a database postgres nor template1 to create {target.database} from")


def create_database(target: Target, *, application_name: str, deadline: float | None = None, like: str = "") -> bool:
    """Make the target's database on its server, owned by the target's user. False when somebody else just made it.

    `like` names a database whose encoding and locale it gets.
    """
    with maintenance(target, application_name=application_name, deadline=deadline) as connection:
        try:
            connection.rows(f"CREATE DATABASE {connection.identifier(target.database)}{_locale(connection, like)}")
        except StatementRefused as error:
            if error.fault.sqlstate == "42P04":
                return False
            raise
        return True


def _locale(connection: Connection, like: str) -> str:
    """The clauses that give a database another one's encoding and locale; "" where they are the server's usual ones."""
    if not like:
        return ""
    query = "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s"
    found, usual = connection.rows(query, (like,)), connection.rows(query, ("template1",))
    if not found or found == usual:
        return ""
    encoding, collate, ctype = (connection.literal(str(value)) for value in found[0])
    return f" TEMPLATE template0 ENCODING {encoding} LC_COLLATE {collate} LC_CTYPE {ctype}"
