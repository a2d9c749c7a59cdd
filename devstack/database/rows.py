"""How many rows tables hold: what the server believes, and what it knows nothing of counted.

A copied database begins without the server's counters, and a crash empties them: 0 there does not mean that nothing is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devstack.database.connection import Connection
from devstack.errors import DatabaseError

OURS = "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'devstack')"
"""SQL for the schemas n of the project itself."""
KNOWN = "CASE WHEN s.n_live_tup > 0 THEN s.n_live_tup WHEN c.reltuples > 0 THEN c.reltuples::bigint END"
"""SQL for the rows of pg_class c with its statistics s; NULL where the server does not know."""
LONGEST = 2.0
"""Seconds that counting may take: it is asked for beside other things."""
SMALL = 100_000_000
"""Bytes up to which a database is counted in a moment."""
MOST = 2000
"""Tables that are counted at once: each takes a lock, and the server has a few thousand."""
_TABLES = f"""
SELECT c.oid::regclass::text, {KNOWN} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.relkind = 'r' AND {OURS}"""  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class Total:
    """What a database holds. `rows` is None where counting takes too long; `exact` says that each was counted. `size` is bytes."""

    tables: int
    rows: int | None
    size: int
    exact: bool


def total(connection: Connection) -> Total:
    """All tables of a database together. A small one is counted: the counters of one that was just copied or mended begin again."""
    tables = connection.rows(_TABLES)
    size = int(connection.rows("SELECT pg_database_size(current_database())")[0][0])
    exact = count(connection, [str(name) for name, _ in tables]) if size < SMALL else None
    if exact is not None:
        return Total(len(tables), sum(exact), size, exact=True)
    counted = count(connection, [str(name) for name, rows in tables if rows is None])
    known = sum(rows for _, rows in tables if rows is not None)
    return Total(len(tables), None if counted is None else known + sum(counted), size, exact=False)


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
