"""The one door to psycopg: reaching a server, asking it questions, sending it whole scripts.

Every psycopg exception ends here, as a `DatabaseError` or a `Fault`. psycopg's own exceptions must not travel: the `pgconn` they
carry shows the password in its repr. Import this module only where a database is really needed (psycopg costs 0.1 s).
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

import psycopg
from psycopg import pq

from devstack.database.answers import Fetched
from devstack.database.outcome import (
    ConnectionLost,
    CopyIn,
    Done,
    Fault,
    Outcome,
    StatementRefused,
    fault_of,
    is_not_yet,
    named,
    not_running,
    one_line,
    refusal,
    silence,
)
from devstack.database.target import Target as Target
from devstack.errors import DatabaseError

LOCK_TIMEOUT = 10
"""Seconds a statement waits for a lock that another session holds."""
_CHECK_INTERVAL = 500
"""Milliseconds after which a busy server notices that its client was killed (PostgreSQL 14 and up)."""
_TICK = 0.2
_CANCEL_PATIENCE = 1.5
Row = tuple[Any, ...]


class Connection:
    """One session in autocommit mode: transactions are begun and ended by the statements that are sent.

    Not thread-safe. `interrupted`, when given, is asked several times a second while the server works; True cancels the statement
    on the server and raises KeyboardInterrupt, as Ctrl-C does.
    """

    def __init__(self, connection: psycopg.Connection[Row], target: Target, interrupted: Callable[[], bool] | None) -> None:
        self.target = target
        self.on_notice: Callable[[Fault], None] | None = None
        self.on_rows: Callable[[Fetched], None] | None = None
        self.on_copy_out: Callable[[bytes], None] | None = None
        self.deadline: float | None = None
        self._connection = connection
        self._pg = connection.pgconn
        self._interrupted = interrupted
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pg.socket, selectors.EVENT_READ)
        connection.add_notice_handler(self._notice)

    def until(self, deadline: float | None) -> None:
        """Cancel on the server whatever runs after this time of `time.monotonic()`; the statement ends with fault 57014."""
        self.deadline = deadline

    def expired(self) -> bool:
        """Whether the time of `until` has just passed; true once. Raises KeyboardInterrupt when interrupted."""
        if self._interrupted is not None and self._interrupted():
            raise KeyboardInterrupt
        if self.deadline is None or time.monotonic() < self.deadline:
            return False
        self.deadline = None
        return True

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The server process of this session."""
        return self._pg.backend_pid

    @property
    def version(self) -> int:
        """The server's version as a number: 170002."""
        return self._pg.server_version

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, failed ones too."""
        return self._pg.transaction_status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

    @property
    def encoding(self) -> str:
        """The client encoding the session has now; a script may have changed it."""
        return (self._pg.parameter_status(b"client_encoding") or b"").decode("ascii", "replace")

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run one statement of ours and give its rows ([] when it has none). Raises StatementRefused, ConnectionLost."""
        try:
            cursor = self._connection.execute(sql.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise self._translated(error) from None

    def literal(self, value: str | int | None) -> str:
        """The value as an SQL literal, right whatever standard_conforming_strings is set to."""
        if value is None:
            return "NULL"
        if isinstance(value, int):
            return str(value)
        return pq.Escaping(self._pg).escape_literal(value.encode()).decode()

    def identifier(self, name: str) -> str:
        """The name as a quoted SQL identifier."""
        return pq.Escaping(self._pg).escape_identifier(name.encode()).decode()

    def script(self, message: str) -> Iterator[Outcome]:
        """Send text with any number of statements as one message and give what comes of each, in order.

        After a `CopyIn` call `copy` before asking for the next outcome. A `Fault` is the last outcome. Rows go to `on_rows` and
        data of COPY TO STDOUT to `on_copy_out`; where these are not set, it is read and dropped.
        """
        try:
            self._pg.send_query(message.encode())
            self._flush()
            yield from self._outcomes()
        except psycopg.Error as error:
            raise self._translated(error) from None
        except KeyboardInterrupt:
            self._cancel()
            raise

    def copy(self, chunks: Iterable[bytes]) -> None:
        """Feed the COPY that is waiting."""
        try:
            for chunk in chunks:
                self._pg.put_copy_data(chunk)
                self._flush()
            self._pg.put_copy_end()
            self._flush()
        except psycopg.Error as error:
            raise self._translated(error) from None
        except KeyboardInterrupt:
            self._cancel()
            raise

    def run(self, message: str) -> Fault | None:
        """Send statements whose results do not matter; the fault that stopped them, if any."""
        fault = None
        for outcome in self.script(message):
            if isinstance(outcome, Fault):
                fault = outcome
        return fault

    def send(self, message: str) -> None:
        """Send one statement and do not wait for what comes of it, nor for its end when the session is closed then."""
        try:
            self._pg.send_query(message.encode())
            self._flush()
        except psycopg.Error as error:
            raise self._translated(error) from None

    def close(self) -> None:
        self._selector.close()
        self._connection.close()

    def _outcomes(self) -> Iterator[Outcome]:
        while True:
            self._wait()
            result = self._pg.get_result()
            if result is None:
                return
            match result.status:
                case pq.ExecStatus.FATAL_ERROR:
                    yield fault_of(result.error_field)
                case pq.ExecStatus.COPY_IN:
                    yield CopyIn()
                case pq.ExecStatus.COPY_OUT:
                    self._drop_copy_out()
                case pq.ExecStatus.EMPTY_QUERY:
                    pass
                case _:
                    if self.on_rows is not None and result.status == pq.ExecStatus.TUPLES_OK:
                        self.on_rows(_fetched(result))
                    yield Done((result.command_status or b"").decode("utf-8", "replace"))

    def _drop_copy_out(self) -> None:
        while True:
            size, data = self._pg.get_copy_data(1)
            if size < 0:
                return
            if size and self.on_copy_out is not None:
                self.on_copy_out(bytes(data))
            if size == 0:
                self._ready(_TICK)

    def _wait(self) -> None:
        while self._pg.is_busy():
            self._ready(_TICK)

    def _ready(self, timeout: float) -> None:
        self._look_up()
        if self._selector.select(timeout):
            self._pg.consume_input()

    def _look_up(self) -> None:
        if self.expired():
            self._connection.cancel_safe(timeout=_CANCEL_PATIENCE)

    def _flush(self) -> None:
        """Push out what is buffered, reading meanwhile: a server that cannot write its notices would stop reading."""
        while self._pg.flush():
            self._look_up()
            self._selector.modify(self._pg.socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
            try:
                for _, events in self._selector.select(_TICK):
                    if events & selectors.EVENT_READ:
                        self._pg.consume_input()
            finally:
                self._selector.modify(self._pg.socket, selectors.EVENT_READ)

    def _cancel(self) -> None:
        """Ask the server to stop and take in what it says; a session that does not listen is closed."""
        end = time.monotonic() + _CANCEL_PATIENCE
        try:
            self._connection.cancel_safe(timeout=_CANCEL_PATIENCE)
            while time.monotonic() < end:
                if self._pg.is_busy():
                    if self._selector.select(0.05):
                        self._pg.consume_input()
                elif (result := self._pg.get_result()) is None:
                    return
                elif result.status == pq.ExecStatus.COPY_IN:
                    self._pg.put_copy_end(b"interrupted")
        except psycopg.Error:
            pass  # the session is closed below, which ends its transaction too
        self._connection.close()

    def _notice(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        if self.on_notice is not None:
            self.on_notice(
                Fault(
                    severity=diagnostic.severity_nonlocalized or diagnostic.severity or "",
                    sqlstate=diagnostic.sqlstate or "",
                    message=diagnostic.message_primary or "",
                    detail=diagnostic.message_detail or "",
                    hint=diagnostic.message_hint or "",
                )
            )

    def _translated(self, error: psycopg.Error) -> DatabaseError:
        if error.diag.sqlstate is not None and self._pg.status == pq.ConnStatus.OK:
            result = error.pgresult
            if result is not None:
                return StatementRefused(fault_of(result.error_field))
        return ConnectionLost(f"{named(self.target)} closed the connection", details=[("server", one_line(str(error)))])


def _fetched(result: pq.abc.PGresult) -> Fetched:
    columns = range(result.nfields)
    return Fetched(
        tuple((result.fname(c) or b"").decode("utf-8", "replace") for c in columns),
        tuple(result.ftype(c) for c in columns),
        [tuple(_text(result.get_value(row, c)) for c in columns) for row in range(result.ntuples)],
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def connect(
    target: Target,
    *,
    application_name: str,
    deadline: float | None = None,
    lock_timeout: float = LOCK_TIMEOUT,
    interrupted: Callable[[], bool] | None = None,
    gone: Callable[[], bool] = lambda: False,
    read_only: bool = False,
) -> Connection:
    """A session with the target's database.

    A server that is only starting (nobody listens yet, "starting up") is waited for until `deadline`, a time of
    `time.monotonic()`; None tries once. `gone` is asked before each wait: True, the server has ended, makes it vain.
    Raises WrongPassword, DatabaseMissing, DeadlinePassed, DatabaseError.
    """
    options = {"client_connection_check_interval": str(_CHECK_INTERVAL), "lock_timeout": f"{int(lock_timeout * 1000)}"}
    if read_only:
        options["default_transaction_read_only"] = "on"
    pause = 0.02
    while True:
        try:
            connection = _open(target, application_name, options, deadline)
            return Connection(connection, target, interrupted)
        except psycopg.Error as error:
            said = one_line(str(error))
        unknown = [name for name in options if f'"{name}"' in said and name != "lock_timeout"]
        if unknown and not read_only:
            del options["client_connection_check_interval"]  # an older server, or one on a system that cannot tell
            continue
        if not is_not_yet(said):
            raise refusal(target, said)
        if deadline is None or time.monotonic() >= deadline:
            raise silence(target, said, waited=deadline is not None)
        if gone():
            raise not_running(target.service, ended=True)
        if interrupted is not None and interrupted():
            raise KeyboardInterrupt
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 1.5, 0.25)


def _open(target: Target, application_name: str, options: dict[str, str], deadline: float | None) -> psycopg.Connection[Row]:
    left = 10.0 if deadline is None else max(0.0, deadline - time.monotonic())
    host, port = target.near or (target.host, target.port)
    return psycopg.connect(
        host=host,
        port=port,
        user=target.user,
        password=target.password,
        dbname=target.database,
        application_name=application_name,
        client_encoding="UTF8",
        connect_timeout=max(2, min(10, int(left))),
        options=" ".join(f"-c {name}={value}" for name, value in options.items()),
        gssencmode="disable",
        target_session_attrs="any",
        autocommit=True,
        prepare_threshold=None,
    )
