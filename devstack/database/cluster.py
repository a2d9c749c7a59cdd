"""One PostgreSQL server and the databases on it: looking at them, making, renaming and dropping whole ones.

Renames happen in one transaction, so that a name always belongs to a whole database: a database is made under a name of its own first
(`devstack.database.marks.WORK`) and takes its place when it is complete. A kill leaves nothing worse than such a work database.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from devstack.database.connection import Connection, connect
from devstack.database.eviction import APPLICATION, evicting
from devstack.database.likeness import Likeness, dressing, read_likeness
from devstack.database.marks import WORK, Kept, Mark, decode
from devstack.database.outcome import DatabaseMissing, StatementRefused
from devstack.database.room import SEGMENT
from devstack.database.target import Target
from devstack.errors import DatabaseError

if TYPE_CHECKING:
    from devstack.database.room import Disk

LOADER = "devstack_loader_"
"""What the names of roles begin with that exist while a dump is loaded."""
_SMALL = 50_000_000
"""Bytes up to which the pages of a database are copied through the log: no checkpoint is needed for that."""
_COPY_PATIENCE = 30.0
_TORN = -2
"""The connection limit that the server gives a database whose drop was cut off: it can only be dropped again."""
_LOOK = (
    "SELECT datname, shobj_description(oid, 'pg_database'), {size} FROM pg_database "
    "WHERE datname NOT IN ('template0', 'template1') AND datconnlimit <> -2"
)


class Cluster:
    """A session with a server's maintenance database. `target` names the live database of the stack's service."""

    def __init__(self, target: Target, connection: Connection, project: str) -> None:
        self.target = target
        self.project = project
        self.connection = connection
        self.disk: Disk | None = None
        """Where it is known: nothing is begun there that does not fit."""

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.connection.close()

    @property
    def version(self) -> int:
        return self.connection.version

    def at(self, database: str) -> Target:
        return replace(self.target, database=database)

    # Looking

    def databases(self, *, sizes: bool = False) -> tuple[Kept, ...]:
        """All databases but the server's own templates, by name."""
        size = "pg_database_size(oid)" if sizes else "NULL"
        rows = self.connection.rows(_LOOK.format(size=size) + " ORDER BY datname")
        return tuple(Kept(database=name, mark=decode(comment), size=bytes_) for name, comment, bytes_ in rows)

    def kept(self, *kinds: str, of: str = "", sizes: bool = False) -> tuple[Kept, ...]:
        """The databases of this project that are of these kinds, oldest first."""
        found = [
            kept
            for kept in self.databases(sizes=sizes)
            if kept.mark is not None
            and kept.mark.kind in kinds
            and kept.mark.project == self.project
            and of in ("", kept.mark.of)
            and not kept.database.startswith(WORK)
        ]
        return tuple(sorted(found, key=lambda kept: kept.mark.when if kept.mark else 0.0))

    def has(self, database: str) -> bool:
        return bool(self.connection.rows("SELECT 1 FROM pg_database WHERE datname = %s", (database,)))

    def size(self, database: str) -> int:
        return int(self.connection.rows("SELECT pg_database_size(%s)", (database,))[0][0])

    def comment(self, database: str) -> str | None:
        found = self.connection.rows(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (database,)
        )
        return str(found[0][0]) if found and found[0][0] is not None else None

    def setting(self, database: str, name: str) -> str:
        """What ALTER DATABASE ... SET has given a setting; "" for nothing."""
        rows = self.connection.rows(
            "SELECT s.setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase "
            "WHERE s.setrole = 0 AND d.datname = %s",
            (database,),
        )
        values = dict(pair.split("=", 1) for (config,) in rows for pair in config)
        return str(values.get(name, ""))

    def sessions(self, database: str) -> tuple[str, ...]:
        """Who is connected: application names, or the user where there is none."""
        rows = self.connection.rows(
            "SELECT coalesce(nullif(application_name, ''), usename) FROM pg_stat_activity "
            "WHERE datname = %s AND backend_type = 'client backend' ORDER BY 1",
            (database,),
        )
        return tuple(str(name) for (name,) in rows)

    # Making

    def work_name(self) -> str:
        return f"{WORK}{secrets.token_hex(6)}"

    def make_empty(self, like: str) -> str:
        """A work database without anything in it, with the encoding, locale and owner of another; its name."""
        likeness = read_likeness(self.connection, like)
        name = self.work_name()
        if self.disk is not None:
            self.disk.must_hold(self.size("template1"), "a new database")
        self._run(f"CREATE DATABASE {self._q(name)} {self._origin(likeness)}")
        self._dress(name, likeness)
        return name

    def copy(self, source: str, like: str, *, comment: bool = True) -> str:
        """A work database that is a copy of `source`, dressed like `like` (owner, rights, settings, limit, comment); its name.

        Sessions on `source` are ended: the server copies no database that is in use. New ones wait until the copy is made.
        """
        likeness = read_likeness(self.connection, like)
        name = self.work_name()
        strategy = self._strategy(source)
        with self.evicting(source):
            self._run(f"CREATE DATABASE {self._q(name)} TEMPLATE {self._q(source)}{strategy}{self._tablespace(likeness)}")
        self._dress(name, likeness if comment else replace(likeness, comment=None))
        return name

    def _strategy(self, source: str) -> str:
        """How it is copied. Raises DatabaseError "disk-full" where a copy does not fit."""
        size = self.size(source)
        room = self.disk.must_hold(size, f"a copy of {source}") if self.disk is not None else None
        if self.version < 150000:
            return ""
        if self.version >= 180000:
            self.connection.run("SET file_copy_method = 'clone'")  # where the system cannot, it stays a copy
            return " STRATEGY file_copy"
        through_log = size < _SMALL and (room is None or room.free > 2 * size + 2 * SEGMENT)
        return " STRATEGY wal_log" if through_log else " STRATEGY file_copy"

    def _origin(self, likeness: Likeness) -> str:
        """From template1 as CREATE DATABASE does, unless the locale is another: only template0 takes one."""
        return likeness.locale if likeness.locale else self._tablespace(likeness).strip()

    def _tablespace(self, likeness: Likeness) -> str:
        return f" TABLESPACE {self._q(likeness.tablespace)}" if likeness.tablespace != "pg_default" else ""

    def _dress(self, name: str, likeness: Likeness) -> None:
        try:
            self._together(dressing(self.connection, name, likeness))
        except DatabaseError:
            self.discard(name)
            raise

    # Renaming

    def freeze(self, work: str, name: str, mark: Mark) -> None:
        """Complete a work database under its name: nobody connects to it any more, it is only copied."""
        steps = [f"COMMENT ON DATABASE {self._q(work)} IS {self.connection.literal(mark.encode())}"]
        steps.append(f"ALTER DATABASE {self._q(work)} RENAME TO {self._q(name)}")
        template = " IS_TEMPLATE true" if mark.kind == "template" else ""
        steps.append(f"ALTER DATABASE {self._q(name)} WITH ALLOW_CONNECTIONS false{template}")
        try:
            with self.evicting(work):
                self._together(steps)
        except DatabaseError:
            self.discard(work)
            raise

    def adopt(self, work: str, name: str) -> None:
        """Give a work database a name of its own."""
        with self.evicting(work):
            self._together([f"ALTER DATABASE {self._q(work)} RENAME TO {self._q(name)}"])

    def swap(self, live: str, aside: str, incoming: str, mark: Mark) -> bool:
        """`incoming` becomes the live database, what was live is kept as `aside`; at once, and once: False when it was done before.

        A database that was kept with its old comment in its mark gets that back.
        """
        return self.swap_all([(live, aside, incoming, mark)])

    def swap_all(self, swaps: Sequence[tuple[str, str, str, Mark]]) -> bool:
        """Several swaps in one transaction; those whose `incoming` is not there any more are left out."""
        steps: list[str] = []
        names: list[str] = []
        for live, aside, incoming, mark in swaps:
            if self.has(incoming):
                steps += self._swapping(live, aside, incoming, mark)
                names += [live, incoming]
        if steps:
            with self.evicting(*names):
                self._together(steps)
        return bool(steps)

    def _swapping(self, live: str, aside: str, incoming: str, mark: Mark) -> Iterator[str]:
        back = decode(self.comment(incoming))
        if self.has(live):
            kept = replace(mark, comment=self.comment(live))
            yield f"ALTER DATABASE {self._q(live)} RENAME TO {self._q(aside)}"
            yield f"COMMENT ON DATABASE {self._q(aside)} IS {self.connection.literal(kept.encode())}"
        yield f"ALTER DATABASE {self._q(incoming)} RENAME TO {self._q(live)}"
        if back is not None:
            yield f"COMMENT ON DATABASE {self._q(live)} IS {self.connection.literal(back.comment)}"

    def set(self, database: str, name: str, value: str) -> None:
        """ALTER DATABASE ... SET; "" takes the setting away."""
        what = f"SET {name} = {self.connection.literal(value)}" if value else f"RESET {name}"
        self._run(f"ALTER DATABASE {self._q(database)} {what}")

    # Dropping

    def drop(self, database: str) -> None:
        """Drop a database, its sessions too; one that is not there is no error."""
        template = self.connection.rows("SELECT datistemplate FROM pg_database WHERE datname = %s", (database,))
        if not template:
            return
        if template[0][0]:
            self._run(f"ALTER DATABASE {self._q(database)} WITH IS_TEMPLATE false")
        force = " WITH (FORCE)" if self.version >= 130000 else ""
        self._run(f"DROP DATABASE IF EXISTS {self._q(database)}{force}")

    def discard(self, work: str) -> None:
        """Drop a work database after a failure, if the server still can; else the next command sweeps it."""
        with contextlib.suppress(DatabaseError):
            self.drop(work)

    def drop_later(self, databases: Iterable[str]) -> None:
        """Drop databases and do not wait for the last, whose drop may wait for a checkpoint."""
        names = list(databases)
        for name in names[:-1]:
            self.drop(name)
        if names:
            with connect(self.connection.target, application_name=APPLICATION) as leaving:
                leaving.run("SET client_connection_check_interval = 0")  # it would end the drop when we are gone
                leaving.send(f"DROP DATABASE IF EXISTS {self._q(names[-1])}")

    def sweep(self) -> None:
        """Drop what a killed command was making or dropping: work databases, torn ones, the roles that dumps are loaded as."""
        rows = self.connection.rows(_LEFT, (WORK, _TORN))
        for name, comment in rows:
            mark = decode(comment)
            if name.startswith(WORK) or (mark is not None and mark.project == self.project):
                self.drop(name)
        for (name,) in self.connection.rows("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", (LOADER,)):
            self._run(f"DROP ROLE IF EXISTS {self._q(name)}")

    def evicting(self, *databases: str) -> AbstractContextManager[None]:
        """End every session of these databases now, and those that slip in while the body waits for the last to leave."""
        return evicting(self.connection, databases)

    def _run(self, statement: str) -> None:
        self.connection.rows(statement)

    def _together(self, statements: Sequence[str]) -> None:
        """All statements or none."""
        if not statements:
            return
        fault = self.connection.run("BEGIN; " + "; ".join(statements) + "; COMMIT")
        if fault is not None:
            self.connection.run("ROLLBACK")
            raise StatementRefused(fault)

    def _q(self, name: str) -> str:
        return self.connection.identifier(name)


_LEFT = "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database WHERE starts_with(datname, %s) OR datconnlimit = %s"


def open_cluster(target: Target, project: str, *, wait: float = 0.0, gone: Callable[[], bool] = lambda: False) -> Cluster:
    """A session with the server of the target, in a database that is not the live one.

    A server that is only starting is waited for, `wait` seconds at most and until `gone`. Raises WrongPassword, DatabaseMissing, DatabaseError.
    """
    deadline = time.monotonic() + wait if wait else None
    for maintenance in ("postgres", "template1"):
        if maintenance == target.database:
            continue
        try:
            connection = connect(
                replace(target, database=maintenance),
                application_name=APPLICATION,
                deadline=deadline,
                lock_timeout=_COPY_PATIENCE,
                gone=gone,
            )
        except DatabaseMissing:
            continue
        return Cluster(target, connection, project)
    raise DatabaseMissing("the server has neither a database postgres nor template1 beside the live one")
