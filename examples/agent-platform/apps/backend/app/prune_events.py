"""Removes events older than the retention (90 days), and makes the coming months' partitions.

    python -m app.prune_events [--days 90] [--dry-run]

A month that lies wholly before the cutoff is dropped, which costs the same for ten rows as for
ten million; what is left, in the month of the cutoff, is deleted in batches.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from app.settings import get_settings

BATCH = 10_000
MONTHS_AHEAD = 2

PARTITIONS = """
    SELECT child.oid::regclass::text AS name,
           (regexp_match(pg_get_expr(child.relpartbound, child.oid),
                         'TO \\(''([^'']+)''\\)'))[1]::timestamptz AS ends
      FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
     WHERE inhparent = 'execution_events'::regclass
     ORDER BY ends NULLS LAST
"""


@dataclass(frozen=True, slots=True)
class Partition:
    name: str  # already quoted by the server where it needs quotes
    ends: datetime | None  # exclusive; None for the default partition


@dataclass(frozen=True, slots=True)
class Pruned:
    cutoff: datetime
    created: tuple[str, ...]
    dropped: dict[str, int]  # partition -> rows that went with it
    deleted: dict[str, int]  # partition -> rows deleted from it

    def lines(self, dry_run: bool) -> list[str]:
        would = "would be " if dry_run else ""
        return [
            *(f"{name}: created" for name in self.created),
            *(f"{name}: {would}dropped with {rows} events" for name, rows in self.dropped.items()),
            *(f"{name}: {rows} events {would}deleted" for name, rows in self.deleted.items()),
            f"{sum(self.dropped.values()) + sum(self.deleted.values())} events from before"
            f" {self.cutoff:%Y-%m-%d %H:%M} UTC {would}removed",
        ]


async def prune(connection: asyncpg.Connection, cutoff: datetime, dry_run: bool) -> Pruned:
    """Removes what happened before `cutoff`; with `dry_run` only counts it.

    Raises asyncpg.LockNotAvailableError when a partition stays in use: what was removed until
    then is removed, and the next call goes on from there.
    """
    # Bounds are printed in the session's time zone, and a stuck lock must not block the API.
    await connection.execute("SET timezone = 'UTC'; SET lock_timeout = '5s'")
    partitions = [Partition(*row) for row in await connection.fetch(PARTITIONS)]
    whole = [one for one in partitions if one.ends is not None and one.ends <= cutoff]
    rest = [one for one in partitions if one not in whole]

    dropped = {one.name: await drop(connection, one, dry_run) for one in whole}
    deleted = {one.name: await delete(connection, one, cutoff, dry_run) for one in rest}
    created = () if dry_run else await create_coming(connection)
    return Pruned(cutoff, created, dropped, {name: rows for name, rows in deleted.items() if rows})


async def drop(connection: asyncpg.Connection, partition: Partition, dry_run: bool) -> int:
    async with connection.transaction():
        if not dry_run:
            # Late events for this month wait here, and land in the default partition.
            await connection.execute(f"LOCK TABLE {partition.name} IN ACCESS EXCLUSIVE MODE")
        rows: int = await connection.fetchval(f"SELECT count(*) FROM {partition.name}")
        if not dry_run:
            await connection.execute(f"DROP TABLE {partition.name}")
    return rows


async def delete(
    connection: asyncpg.Connection, partition: Partition, cutoff: datetime, dry_run: bool
) -> int:
    old = f"SELECT ctid FROM {partition.name} WHERE timestamp < $1"
    if dry_run:
        rows: int = await connection.fetchval(f"SELECT count(*) FROM ({old}) AS old", cutoff)
        return rows
    total = 0
    while True:  # in batches, so that no single statement holds its locks for long
        done = await connection.execute(
            f"DELETE FROM {partition.name} WHERE ctid = ANY (ARRAY({old} LIMIT {BATCH}))", cutoff
        )
        rows = int(done.removeprefix("DELETE "))
        total += rows
        if rows < BATCH:
            return total


async def create_coming(connection: asyncpg.Connection) -> tuple[str, ...]:
    rows = await connection.fetch("SELECT ensure_execution_event_partitions($1)", MONTHS_AHEAD)
    return tuple(row[0] for row in rows)


async def run(days: int, dry_run: bool) -> Pruned:
    settings = get_settings()
    connection = await asyncpg.connect(
        settings.asyncpg_dsn,
        timeout=settings.db_timeout_seconds,
        server_settings={"application_name": "prune_events"},
    )
    try:
        cutoff = datetime.now(UTC) - timedelta(days=days)
        return await prune(connection, cutoff, dry_run)
    finally:
        await connection.close()


def positive(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 36_500:
        raise argparse.ArgumentTypeError(f"{days} is not between 1 and 36500")
    return days


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m app.prune_events", description="Prune events.")
    parser.add_argument("--days", type=positive, help="keep this many days (EVENT_RETENTION_DAYS)")
    parser.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    arguments = parser.parse_args()
    days = arguments.days or get_settings().event_retention_days
    try:
        pruned = asyncio.run(run(days, arguments.dry_run))
    except (asyncpg.PostgresError, OSError) as error:
        print(f"error: {error or type(error).__name__}", file=sys.stderr)
        return 1
    print("\n".join(pruned.lines(arguments.dry_run)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
