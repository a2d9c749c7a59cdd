"""What a running database is like: sizes, rows, indexes nobody uses, bloat, who waits for whom, slow queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devstack.compose.model import Json
from devstack.database import rows
from devstack.database.connection import Connection

_HELD = """(SELECT held FROM pg_locks l LEFT JOIN pg_index x ON x.indexrelid = l.relation
    CROSS JOIN LATERAL unnest(ARRAY[l.relation, x.indrelid]) AS held
    WHERE l.mode = 'AccessExclusiveLock' AND held IS NOT NULL
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))"""
"""Tables and indexes that somebody has, or waits to have, for himself: asking for their size would wait behind that."""


def _size(function: str, oid: str) -> str:
    return f"CASE WHEN {oid} NOT IN {_HELD} THEN {function}({oid})::bigint END"


@dataclass(frozen=True, slots=True)
class Section:
    """One table of numbers. `note` says why it is empty, or what an estimate is worth."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Json, ...], ...]
    note: str = ""


def gather(connection: Connection, *, limit: int) -> tuple[Section, ...]:
    """All sections; at most `limit` rows in each. Sizes are bytes, times milliseconds."""
    return (
        _section(connection, "database", "Database", ("size", "connections", "cache_hits", "deadlocks", "temp_bytes"), _DATABASE),
        _tables(connection, limit),
        _section(
            connection, "unused_indexes", "Indexes that no query has used", ("index", "table", "size"), _UNUSED, limit,
            note="since the statistics were last reset; those that keep a constraint are left out",
        ),
        _section(connection, "twin_indexes", "Indexes on the same columns", ("table", "indexes", "size"), _TWINS, limit),
        _section(
            connection, "bloat", "Bloat (estimated)", ("table", "wasted", "share"), _BLOAT, limit,
            note="from column widths of the last ANALYZE; tables that were never analyzed are left out",
        ),
        _section(
            connection, "blocked", "Sessions that wait for a lock", ("pid", "waits_for", "seconds", "query", "blocking_query"), _BLOCKED,
            limit,
        ),
        _section(connection, "long", "Transactions open for more than a minute", ("pid", "application", "state", "seconds", "query"),
                 _LONG, limit),
        _slow(connection, limit),
    )  # fmt: skip


def _section(
    connection: Connection, name: str, title: str, columns: tuple[str, ...], sql: str, limit: int = 1, note: str = ""
) -> Section:
    return Section(name, title, columns, _rows(connection.rows(sql, (limit,))), note)


def _rows(found: Sequence[tuple[Json, ...]]) -> tuple[tuple[Json, ...], ...]:
    return tuple(tuple(row) for row in found)


def _tables(connection: Connection, limit: int) -> Section:
    found = connection.rows(_TABLES, (limit,))
    unknown = [str(quoted) for quoted, _, rows, *_ in found if rows is None]
    counted = dict(zip(unknown, rows.count(connection, unknown) or (), strict=False))
    lines = tuple((name, counted.get(quoted) if known is None else known, *others) for quoted, name, known, *others in found)
    return Section("tables", "Tables", ("table", "rows", "total", "heap", "indexes", "dead_rows", "seq_scans", "idx_scans"), lines)


def _slow(connection: Connection, limit: int) -> Section:
    """From pg_stat_statements, where the database has it."""
    title, columns = "Slow queries", ("calls", "mean_ms", "total_ms", "rows", "query")
    where = connection.rows(
        "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'pg_stat_statements'"
    )
    loaded = "pg_stat_statements" in str(connection.rows("SELECT current_setting('shared_preload_libraries', true)")[0][0])
    if not where or not loaded:
        steps = [] if loaded else ["start the server with -c shared_preload_libraries=pg_stat_statements"]
        steps += [] if where else ["run CREATE EXTENSION pg_stat_statements"]
        return Section("slow_queries", title, columns, (), f"to see them: {'; '.join(steps)}")
    return Section("slow_queries", title, columns, _rows(connection.rows(_SLOW.format(schema=where[0][0]), (limit,))))


_DATABASE = """
SELECT pg_database_size(datname)::bigint, numbackends, CASE WHEN blks_hit + blks_read > 0
    THEN round(blks_hit::numeric / (blks_hit + blks_read), 4)::float8 END, deadlocks, temp_bytes
FROM pg_stat_database WHERE datname = current_database() LIMIT %s"""
_TABLES = f"""
SELECT c.oid::regclass::text, CASE WHEN n.nspname = 'public' THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
    {rows.KNOWN},
    {_size("pg_total_relation_size", "c.oid")}, {_size("pg_table_size", "c.oid")}, {_size("pg_indexes_size", "c.oid")},
    coalesce(s.n_dead_tup, 0), coalesce(s.seq_scan, 0), coalesce(s.idx_scan, 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'm') AND {rows.OURS} ORDER BY 4 DESC NULLS FIRST, 2 LIMIT %s"""  # noqa: S608 - constants of ours
_UNUSED = f"""
SELECT i.relname::text, t.relname::text, {_size("pg_relation_size", "i.oid")}
FROM pg_stat_all_indexes s JOIN pg_index x ON x.indexrelid = s.indexrelid JOIN pg_class i ON i.oid = s.indexrelid
JOIN pg_class t ON t.oid = s.relid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE s.idx_scan = 0 AND NOT x.indisunique AND {rows.OURS}
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
ORDER BY 3 DESC NULLS FIRST, 1 LIMIT %s"""  # noqa: S608 - constants of ours
_TWINS = f"""
SELECT t.relname::text, string_agg(i.relname, ', ' ORDER BY i.relname), sum({_size("pg_relation_size", "i.oid")})::bigint
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE {rows.OURS}
GROUP BY t.relname, x.indrelid, x.indkey::text, x.indclass::text, x.indcollation::text, x.indoption::text, i.relam,
    coalesce(pg_get_expr(x.indexprs, x.indrelid), ''), coalesce(pg_get_expr(x.indpred, x.indrelid), '')
HAVING count(*) > 1 ORDER BY 3 DESC NULLS FIRST LIMIT %s"""  # noqa: S608 - constants of ours
_BLOAT = f"""
WITH widths AS (
    SELECT schemaname, tablename, sum((1 - null_frac) * avg_width) AS data, max(null_frac) AS nulls, count(*) AS columns
    FROM pg_stats GROUP BY 1, 2
), estimated AS (
    SELECT n.nspname, c.relname, {_size("pg_relation_size", "c.oid")} AS size, c.reltuples,
        ceil(c.reltuples * (28 + CASE WHEN nulls > 0 THEN (columns + 7) / 8 ELSE 0 END + data + columns)
            / ((current_setting('block_size')::numeric - 24) * coalesce((
                SELECT substring(o FROM 'fillfactor=(.*)')::numeric / 100 FROM unnest(c.reloptions) o WHERE o LIKE 'fillfactor=%%'), 1)))
            * current_setting('block_size')::numeric AS needed
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN widths w ON w.schemaname = n.nspname AND w.tablename = c.relname
    WHERE c.relkind IN ('r', 'm') AND c.reltuples >= 0 AND {rows.OURS}
)
SELECT CASE WHEN nspname = 'public' THEN relname::text ELSE nspname || '.' || relname END, (size - needed)::bigint,
    round(((size - needed) / size)::numeric, 2)::float8
FROM estimated WHERE size - needed > 1000000 AND (size - needed) / size > 0.2 ORDER BY 2 DESC LIMIT %s"""  # noqa: S608 - constants
_BLOCKED = """
SELECT a.pid, array_to_string(pg_blocking_pids(a.pid), ', '), round(extract(epoch FROM now() - a.query_start))::int, left(a.query, 200),
    (SELECT left(b.query, 200) FROM pg_stat_activity b WHERE b.pid = (pg_blocking_pids(a.pid))[1])
FROM pg_stat_activity a
WHERE a.datname = current_database() AND cardinality(pg_blocking_pids(a.pid)) > 0 ORDER BY 3 DESC LIMIT %s"""
_LONG = """
SELECT pid, application_name, state, round(extract(epoch FROM now() - xact_start))::int, left(query, 200)
FROM pg_stat_activity
WHERE datname = current_database() AND xact_start < now() - interval '1 minute' AND pid <> pg_backend_pid() ORDER BY 4 DESC LIMIT %s"""
_SLOW = """
SELECT calls, round(mean_exec_time::numeric, 2)::float8, round(total_exec_time::numeric)::bigint, rows, left(query, 300)
FROM {schema}.pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() ORDER BY total_exec_time DESC LIMIT %s"""
