"""How many rows tables hold: what the server believes, and what it knows nothing of counted.

A copied database begins without the server's counters, and a crash empties them: 0 there does not mean that nothing is there.
"""

from __future__ import annotations

from collections.abc import Sequence

from devstack.database.connection import Connection
from devstack.errors import DatabaseError

KNOWN = "CASE WHEN s.n_live_tup > 0 THEN s.n_live_tup WHEN c.reltuples > 0 THEN c.reltuples::bigint END"
"""SQL for the rows of pg_class c with its statistics s; NULL where the server does not know."""
LONGEST = 2.0
"""Seconds that counting may take: it is asked for beside other things."""
MOST = 2000
"""Tables that are counted at once: each takes a lock, and the server has a few thousand."""
_TABLES = f"""
SELECT c.oid::regclass::text, {KNOWN} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'devstack')"""  # noqa: S608 - ours


def total(connection: Connection) -> tuple[int, int | None]:
    """(tables, rows of all of them together: about, and None where counting them takes too long)."""
    tables = connection.rows(_TABLES)
    known = sum(rows for _, rows in tables if rows is not None)
    unknown = [str(name) for name, rows in tables if rows is None]
    counted = count(connection, unknown)
    return len(tables), None if counted is None else known + sum(counted)


def count(connection: Connection, tables: Sequence[str]) -> list[int] | None:
    """The rows of tables, whose names are quoted already; None where that takes longer than LONGEST or is not allowed."""
    if not tables or len(tables) > MOST:
        return None if tables else []
    connection.rows(f"SET statement_timeout = {LONGEST * 1000:.0f}")
    try:
        ((found,),) = connection.rows(f"SELECT ARRAY[{', '.join(f'(SELECT count(*) FROM {table})' for table in tables)}]")  # noqa: S608 - see above
    except DatabaseError:
        return None
    finally:
        connection.rows("RESET statement_timeout")
    return [int(rows) for rows in found]
