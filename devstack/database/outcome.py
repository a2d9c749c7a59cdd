"""What a server answers: results, faults, refusals; and the words in which a failed connection is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from devstack.database.target import Target
from devstack.errors import DatabaseError, DeadlinePassed

_NOT_YET = re.compile(
    r"starting up|shutting down|recovery mode|not yet accepting|onnection refused|onnection reset"
    r"|closed the connection|timeout|timed out"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error or notice in the server's words. `position` counts characters of the message that was sent, from 1."""

    severity: str
    sqlstate: str
    message: str
    detail: str = ""
    hint: str = ""
    context: str = ""
    position: int | None = None
    internal_query: str = ""
    internal_position: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A statement of a script completed. `tag` is the server's ("INSERT 0 1")."""

    tag: str


@dataclass(frozen=True, slots=True)
class CopyIn:
    """The script has reached COPY ... FROM stdin: the server wants `Connection.copy`."""


Outcome = Done | Fault | CopyIn


class WrongPassword(DatabaseError):
    """The server knows another password for the user."""

    code = "wrong-password"


class DatabaseMissing(DatabaseError):
    """The server has no database of that name."""

    code = "database-missing"


class StatementRefused(DatabaseError):
    """One of our own statements failed; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        details = [(label, text) for label, text in (("detail", fault.detail), ("hint", fault.hint)) if text]
        super().__init__(f"the database refused: {fault.message} [sql {fault.sqlstate}]", details=details)
        self.fault = fault


class ConnectionLost(DatabaseError):
    """The server went away in the middle of something."""

    code = "database-lost"


def is_not_yet(said: str) -> bool:
    """Whether a failed connection may succeed when the server has had more time."""
    return _NOT_YET.search(re.sub(r'".*"', "", said)) is not None  # not what a name happens to say


def refusal(target: Target, said: str) -> DatabaseError:
    """The server answered, and said no. It tells the reason in words only: libpq gives no SQLSTATE for a failed connection."""
    if "authentication failed" in said or "no password supplied" in said:
        return WrongPassword(
            f"the password in .env does not open the existing volume of {target.service or 'the database'}: "
            "it was initialised with another",
            details=[("server", said), ("user", target.user)],
            hints=[
                "devstack db fix-credentials   (gives the server the password in .env; no data is touched)",
                "or put the old password back into .env",
            ],
        )
    if re.search(r'database ".*" does not exist', said):
        return DatabaseMissing(f"{named(target)} has no database {target.database}", details=[("server", said)])
    hints = []
    if re.search(r'role ".*" does not exist', said):
        hints = [f"the volume was initialised with another POSTGRES_USER than {target.user}: put that one back into .env"]
    if "too many clients" in said or "remaining connection slots" in said:
        hints = ["every connection of the server is in use: stop what holds them, or raise max_connections"]
    return DatabaseError(f"{named(target)} refuses the connection", details=[("server", said)], hints=hints)


def silence(target: Target, said: str, *, waited: bool) -> DatabaseError | DeadlinePassed:
    hints = [f"devstack logs {target.service}".rstrip()]
    if waited:
        return DeadlinePassed(f"{named(target)} did not answer in time", details=[("last", said)], hints=hints)
    return DatabaseError(f"{named(target)} does not answer", details=[("last", said)], hints=hints)


def not_running(service: str, *, ended: bool = False) -> DatabaseError:
    """`service` is "" for a database that no service of the stack runs; `ended`: it ran a moment ago."""
    hints = [*([f"devstack logs {service}".rstrip()] if ended else []), f"devstack up {service}".rstrip()]
    return DatabaseError(f"{service or 'the database'} is not running", hints=hints, code="not-running")


def named(target: Target) -> str:
    where = f"{target.host}:{target.port}"
    return f"the database of {target.service} at {where}" if target.service else f"the database at {where}"


def one_line(text: str) -> str:
    """libpq's words without the address it always puts in front."""
    text = re.sub(r'^connection failed: |connection to server at "[^"]*"(, port \d+)?(?: \([^)]*\))? failed: ', "", text)
    return " ".join(text.split()).removeprefix("FATAL: ").strip()


def fault_of(field: Callable[[int], bytes | None]) -> Fault:
    """The fault in a result; `field` gives one of its fields by the protocol's letter."""

    def text(letter: str) -> str:
        return (field(ord(letter)) or b"").decode("utf-8", "replace")

    def number(letter: str) -> int | None:
        found = text(letter)
        return int(found) if found.isdigit() else None

    return Fault(
        severity=text("V") or text("S"),
        sqlstate=text("C"),
        message=text("M"),
        detail=text("D"),
        hint=text("H"),
        context=text("W"),
        position=number("P"),
        internal_query=text("q"),
        internal_position=number("p"),
    )
