"""Ending the sessions of databases that are about to be copied or renamed: the server does neither while one is in use."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devstack.database.connection import Connection, connect
from devstack.errors import DatabaseError

APPLICATION = "devstack-data"
_SETTLE = 0.05
_PATIENCE = 2.0
_END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = ANY(%s) AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'"
)


@contextmanager
def evicting(connection: Connection, databases: Sequence[str]) -> Iterator[None]:
    """End every session of these databases now, and those that slip in while the body waits for the last to leave.

    A statement that copies or renames a database takes its lock first: whoever connects after that waits until it is done.
    """
    _end_sessions(connection, databases)
    done = threading.Event()
    helper = threading.Thread(target=_keep_evicting, args=(connection, databases, done), daemon=True)
    helper.start()
    try:
        yield
    finally:
        done.set()
        helper.join(2)


def _end_sessions(connection: Connection, databases: Sequence[str]) -> None:
    end = time.monotonic() + _PATIENCE
    while connection.rows(_END, (list(databases),)) and time.monotonic() < end:
        time.sleep(0.01)


def _keep_evicting(connection: Connection, databases: Sequence[str], done: threading.Event) -> None:
    if done.wait(_SETTLE):
        return
    try:
        with connect(connection.target, application_name=APPLICATION) as beside:
            while True:
                beside.rows(_END, (list(databases),))
                if done.wait(_SETTLE):
                    return
    except DatabaseError:
        return  # the body meets the same server, and says what is wrong with it
