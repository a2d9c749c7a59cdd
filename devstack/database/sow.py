"""A seed that is data, not SQL: loaded in one transaction with its row in the ledger."""

from __future__ import annotations

import time

from devstack.database import ledger
from devstack.database.connection import Connection
from devstack.database.files import Item
from devstack.database.outcome import StatementRefused


def sow(connection: Connection, item: Item, entry: ledger.Entry) -> None:
    """Load the seed and record it, or neither. Raises SpecError, SqlError."""
    from devstack.database.seeds import run_seed

    assert item.file is not None
    started = time.monotonic()
    connection.rows("BEGIN")
    try:
        rows = run_seed(connection, item.file, item.path)
        milliseconds = round((time.monotonic() - started) * 1000)
        fault = connection.run(
            ledger.insert(connection, entry, state="applied", milliseconds=milliseconds, statements=rows) + "; COMMIT"
        )
        if fault is not None:
            raise StatementRefused(fault)
    except BaseException:
        if connection.in_transaction:
            connection.run("ROLLBACK")
        raise
