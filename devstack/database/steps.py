"""A script outside a transaction: each statement on its own, progress in the ledger, so that the next run goes on where this one ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from devstack.database import ledger, settle, statements
from devstack.database.connection import Connection
from devstack.database.environment import Environment
from devstack.database.fault import Place
from devstack.database.ledger import Entry
from devstack.database.outcome import ConnectionLost, Fault, StatementRefused
from devstack.database.script import Connect, Say, Script, Segment, Statement
from devstack.database.sending import AFTERWARDS, OWN_SESSION, Failure, send
from devstack.errors import DatabaseError

_AS_OURSELVES = ("SET LOCAL SESSION AUTHORIZATION DEFAULT", "SET LOCAL ROLE NONE")


def run_statements(connection: Connection, script: Script, entry: Entry, environment: Environment) -> Failure | None:
    """Run what the ledger does not say has run; the failure that stopped it. The session is itself again afterwards."""
    with ExitStack() as sessions:
        return _Steps(connection, script, entry, environment, sessions).run()


class _Steps:
    """One run. `here` is the session with the database the script is in now; the ledger is in `home`."""

    def __init__(self, connection: Connection, script: Script, entry: Entry, environment: Environment, sessions: ExitStack) -> None:
        self.home = self.here = connection
        self.script = script
        self.entry = entry
        self.environment = environment
        self.sessions = sessions
        self.opened: dict[str, Connection] = {}
        self.done = 0
        self.in_doubt = self.killed = False

    def run(self) -> Failure | None:
        started = time.monotonic()
        before = ledger.read(self.home).get(self.entry.path)
        count = len(self.script.statements)
        self.home.rows(ledger.insert(self.home, self.entry, state="running", milliseconds=None, statements=count))
        if before is not None and before.state != "applied":
            self.done = before.done or 0
            self.in_doubt = True
            self.killed = before.state == "running"  # one more statement may have run than could be noted
        try:
            failure = self.follow()
        except ConnectionLost:
            raise
        except BaseException:
            self.leave()
            raise
        self.leave()
        if failure is not None:
            ledger.failed(self.home, self.entry.path, failure.fault.sqlstate, failure.fault.message)
            return failure
        milliseconds = round((time.monotonic() - started) * 1000)
        self.home.rows(ledger.insert(self.home, self.entry, state="applied", milliseconds=milliseconds, statements=count))
        return None

    def follow(self) -> Failure | None:
        self.prepare()
        number = 0
        for item in _one_by_one(self.script):
            if isinstance(item, Say):
                if number >= self.done:
                    self.environment.say(item.text)
            elif isinstance(item, Connect):
                failure = self.connect(item)
                if failure is not None:
                    return failure
            else:
                failure = self.step(item, number)
                if failure is not None:
                    return failure
                number += 1
        if self.here.in_transaction:
            last = self.script.statements[-1]
            fault = Fault(
                severity="ERROR", sqlstate="25000", message="the file ends inside its own transaction, which was rolled back",
                hint="write COMMIT where it ends",
            )  # fmt: skip
            return Failure(fault, Place(last.source, last.head, last))
        return None

    def step(self, segment: Segment, number: int) -> Failure | None:
        """One statement, unless it has run; progress is noted in its own transaction where that can be."""
        statement = segment.statements[0]
        if number < self.done:
            return send(self.here, segment) if statements.is_of_the_session(statement) else None
        progress = ledger.progress_sql(self.home, self.entry.path, number + 1)
        before, suffix = self.around(statement, progress)
        failure = send(self.here, segment, before=before, suffix=suffix)
        if failure is not None and self.in_doubt and not self.here.in_transaction:
            failure = settle.settle(self.here, segment, failure, killed=self.killed)
            suffix = "" if failure is None else suffix
        self.in_doubt = False
        if failure is None and not self.here.in_transaction and not suffix:
            if self.here is self.home:
                self.noted(progress)
            else:
                self.home.rows(progress)
        return failure

    def around(self, statement: Statement, progress: str) -> tuple[Sequence[str], str]:
        """What is sent before and after a statement so that it and its progress are one transaction; nothing where they cannot be."""
        if self.here is not self.home:
            return (), ""
        if self.here.in_transaction:
            # Before the file's own COMMIT, as ourselves, and without a trace of that once the transaction has ended.
            if statements.commits(statement):
                return (*_AS_OURSELVES, progress), ""
            return (), ""
        if statement.special or statements.may_commit(statement) or statements.is_of_the_session(statement):
            return (), ""
        return ("BEGIN",), "\n;" + ";".join((*_AS_OURSELVES, progress, "COMMIT"))

    def noted(self, progress: str) -> None:
        """Note progress between transactions, whatever role the script has taken on."""
        fault = self.home.run(";".join(("BEGIN", *_AS_OURSELVES, progress, "COMMIT")))
        if fault is not None:
            raise StatementRefused(fault)

    def prepare(self) -> None:
        if self.script.lock_timeout is not None:
            self.here.rows(f"SET lock_timeout = {round(self.script.lock_timeout * 1000)}")

    def connect(self, item: Connect) -> Failure | None:
        r"""\connect: the session before it ends, as in psql; the ledger's own stays."""
        if not item.database:
            return None
        try:
            if item.database == self.home.target.database:
                self.here = self.home
                self.home.run(OWN_SESSION + AFTERWARDS)
            elif self.environment.open_database is not None:
                self.here = self.sessions.enter_context(self.environment.open_database(item.database))
                self.here.on_notice = self.home.on_notice
                self.here.until(self.home.deadline)
        except DatabaseError as error:
            fault = Fault(severity="ERROR", sqlstate="08001", message=f"\\connect {item.database}: {error.message}")
            return Failure(fault, Place(item.source, item.position))
        self.prepare()
        return None

    def leave(self) -> None:
        """End the file's own transaction, and make the session ours again."""
        for session in {id(self.here): self.here, id(self.home): self.home}.values():
            if session.in_transaction:
                session.run("ROLLBACK")
        self.home.run(OWN_SESSION + AFTERWARDS)


def _one_by_one(script: Script) -> Iterator[Segment | Say | Connect]:
    for item in script.items:
        if isinstance(item, Segment):
            for statement in item.statements:
                yield item.alone(statement)
        else:
            yield item
