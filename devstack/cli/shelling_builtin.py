"""The flow of the shell that is built in: over the published port, with no program in the container; and of `--json`."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from devstack.cli.session import Session
from devstack.cli.shelling import APPLICATION, Wanted, is_terminal, reader_for, target_for
from devstack.cli.shelling_input import sources
from devstack.compose.roles import Postgres
from devstack.errors import UsageError

if TYPE_CHECKING:
    from devstack.database.connection import Connection
    from devstack.database.own_shell import OwnShell


def open_builtin(session: Session, role: Postgres, wanted: Wanted) -> int:
    """Run what is asked for, or prompt; 0, 1 when a -c failed, 3 when a script did, as psql."""
    from devstack.database.own_shell import Ended, OwnShell, TextTeller

    with _connected(session, role, wanted) as connection:
        shell = OwnShell(connection, TextTeller(_out, _err, as_csv=wanted.output == "csv"))
        try:
            for sql in wanted.sql:
                if not shell.command(sql):
                    return 1
            if wanted.sql and not wanted.files:
                return 0
            return _read(session, shell, wanted)
        except Ended:
            return 0


def answer_as_json(session: Session, role: Postgres, wanted: Wanted) -> None:
    """The rows as the JSON answer. What the database holds is told as it is, whatever looks like a secret of the stack."""
    from devstack.database.answers import result_of
    from devstack.database.own_shell import Ended, Gatherer, OwnShell

    if not wanted.one_shot and sys.stdin.isatty():
        raise UsageError("--json needs a query", hints=['devstack db-shell --json -c "SELECT 1"'])
    with _connected(session, role, wanted) as connection:
        gatherer = Gatherer(_err)
        shell = OwnShell(connection, gatherer)
        try:
            for sql in wanted.sql:
                shell.command(sql)
            if wanted.files or not wanted.sql:
                with sources(wanted.files) as (stdin, _):
                    shell.read(_lines(stdin or sys.stdin.buffer), stop=True)
        except Ended:
            pass
    session.console.answer_with_secrets(result_of(gatherer.results))


def _connected(session: Session, role: Postgres, wanted: Wanted) -> Connection:
    from devstack.database.connection import connect

    target = reader_for(session, role, wanted).target if wanted.read_only else target_for(session, role, wanted.database)
    return connect(target, application_name=f"{APPLICATION} {os.getpid()}", lock_timeout=0, read_only=wanted.read_only)


def _read(session: Session, shell: OwnShell, wanted: Wanted) -> int:
    if wanted.files or not is_terminal():
        with sources(wanted.files) as (stdin, _):
            return shell.read(_lines(stdin or sys.stdin.buffer), stop=True)
    while True:
        try:
            return shell.read(_typed(), prompt=_prompt, stop=False)
        except KeyboardInterrupt:
            _err("\n")  # the statement was cancelled, or what was typed is forgotten; the shell stays


_next_prompt = [""]


def _prompt(text: str) -> None:
    _next_prompt[0] = text


def _typed() -> Iterator[str]:
    """Lines from the terminal, with arrow keys where Python has readline."""
    with suppress(ImportError):
        import readline  # noqa: F401 - `input` uses it once it is imported
    while True:
        try:
            yield input(_next_prompt[0]) + "\n"
        except EOFError:
            _out("\n")
            return


def _lines(source: object) -> Iterator[str]:
    assert isinstance(source, (io.BufferedIOBase, io.RawIOBase)) or hasattr(source, "read")
    for number, line in enumerate(source):  # type: ignore[arg-type, var-annotated]
        text = line.decode("utf-8", "replace")
        yield text.removeprefix("\ufeff") if number == 0 else text


def _out(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _err(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(text)
    sys.stderr.flush()
