"""Every error a user can see: what failed, where, what to do next, and its exit code.

`DevstackError` and its subclasses are raised anywhere; only `devstack.cli.command` prints them and exits. Third-party errors are
translated once, at the one door of their package. A *problem* is one fault in something the user wrote; all problems of a file
are collected and raised together as one `SpecError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    VERIFY = 3
    ENGINE = 4
    TIMEOUT = 5
    PORT = 6
    REFUSED = 7
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place in a file. `line` and `column` count from 1; a missing one is unknown."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.file, self.line, self.column]
        return ":".join(str(part) for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a file: `where: path: message`, with the offending lines and a suggestion where there are any.

    `path` is the key's path in the document ("services.api.ports[0]"), "" at the top. `excerpt` holds ready-made lines of the
    file (with a caret line) for people; `hint` is one sentence that says what to do, for example 'did you mean "environment"?'.
    """

    where: Where
    message: str
    path: str = ""
    hint: str = ""
    excerpt: tuple[str, ...] = ()

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.where}: {path}{self.message}{hint}"


class DevstackError(Exception):
    """A failure that a person can act on.

    `code` is stable and machine-readable ("port-taken"). `details` are (label, text) pairs shown under the message; a text may
    have several lines. `hints` are the things to do next, each one a sentence or a command.
    """

    code = "failed"
    exit = Exit.FAILED

    def __init__(
        self,
        message: str,
        *,
        where: Where | None = None,
        details: Iterable[tuple[str, str]] = (),
        hints: Iterable[str] = (),
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.details = tuple(details)
        self.hints = tuple(hints)
        if code is not None:
            self.code = code


class UsageError(DevstackError):
    """The command line asks for something that cannot be."""

    code = "usage"
    exit = Exit.USAGE


class SpecError(DevstackError):
    """One or more problems in what the user wrote: devstack.yml, a Compose file, an env file, a template."""

    code = "spec"
    exit = Exit.USAGE

    def __init__(self, problems: Sequence[Problem]) -> None:
        if not problems:
            raise ValueError("a SpecError needs at least one problem")
        first = problems[0]
        super().__init__(str(first), where=first.where)
        self.problems = tuple(problems)


class EngineError(DevstackError):
    """No container engine answers, or it stopped answering."""

    code = "engine"
    exit = Exit.ENGINE


class EngineSilent(EngineError):
    """The engine takes requests and did not answer this one in time."""


class EngineRefused(DevstackError):
    """The engine answered with an error. `status` is its HTTP status, `message` its own words."""

    code = "engine-refused"

    def __init__(self, message: str, *, status: int | None = None, **more: object) -> None:
        super().__init__(message, **more)  # type: ignore[arg-type]
        self.status = status


class NotFound(EngineRefused):
    """The engine does not know the object (404)."""

    code = "not-found"


class Conflict(EngineRefused):
    """The engine says the name is in use or the object is busy (409)."""

    code = "conflict"


class ImageUnavailable(DevstackError):
    """An image is neither on the engine nor to be had from its registry."""

    code = "image"


class PortTaken(DevstackError):
    """A published port cannot be bound on the host."""

    code = "port-taken"
    exit = Exit.PORT


class Unhealthy(DevstackError):
    """A service did not become healthy, crashed, or exited with an error."""

    code = "unhealthy"


class DeadlinePassed(DevstackError):
    """A wait passed its deadline."""

    code = "timeout"
    exit = Exit.TIMEOUT


class Refused(DevstackError):
    """A destructive or unsafe step was not agreed to."""

    code = "refused"
    exit = Exit.REFUSED


class Locked(DevstackError):
    """Another devstack command works on the same project."""

    code = "locked"


class SqlError(DevstackError):
    """A statement of a SQL file failed; the message carries file:line:column and the server's words."""

    code = "sql"


class DatabaseError(DevstackError):
    """The database does not answer, or refuses the connection."""

    code = "database"


class Interrupted(DevstackError):
    """Ctrl-C or SIGTERM."""

    code = "interrupted"
    exit = Exit.INTERRUPTED


def describe(error: DevstackError) -> list[str]:
    """An error as lines for people: what failed, where, why, what to do next."""
    if isinstance(error, SpecError):
        return _describe_problems(error)
    where = f"{error.where}: " if error.where else ""
    lines = [f"error: {where}{error.message}  [{error.code}]"]
    for label, text in error.details:
        first, *rest = text.splitlines() or [""]
        lines.append(f"  {label:<11} {first}")
        lines += [f"  {'':<11} {line}" for line in rest]
    for index, hint in enumerate(error.hints):
        lines.append(f"  {'do one of' if index == 0 and len(error.hints) > 1 else 'next' if index == 0 else '':<11} {hint}")
    return lines


def _describe_problems(error: SpecError) -> list[str]:
    lines: list[str] = []
    for problem in error.problems:
        path = f"{problem.path}: " if problem.path else ""
        lines.append(f"error: {problem.where}: {path}{problem.message}  [spec]")
        lines += [f"  {line}" for line in problem.excerpt]
        if problem.hint:
            lines.append(f"  {problem.hint}")
    if len(error.problems) > 1:
        lines.append(f"{len(error.problems)} problems")
    return lines
