"""Scripts that only psql can run: put into the database's container with all that they include, and run there in one exec.

psql goes over the container's unix socket. In a transactional script the ledger's row is the last thing in psql's own transaction.
"""

from __future__ import annotations

import io
import secrets
import threading
import time
from dataclasses import dataclass, replace

from devstack.compose.roles import Postgres
from devstack.database import ledger, psql_errors, source, variables
from devstack.database.connection import Connection
from devstack.database.environment import Environment
from devstack.database.fault import sql_error
from devstack.database.ledger import Entry
from devstack.database.run_state import State
from devstack.database.script import Connect, Script
from devstack.database.sending import OWN_SESSION, timed_out
from devstack.engine.base import Engine, ExecResult
from devstack.errors import DatabaseError, SqlError

_PARENT = "/tmp"  # noqa: S108 - of the container; the folder in it has a random name
_BEFORE, _AFTER = ".devstack-before.sql", ".devstack-after.sql"
_RUN_AND_CLEAR = '"$@"; status=$?; rm -rf "$PWD"; exit $status'
_TICK = 0.05
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Psql:
    """psql inside the container of a PostgreSQL service."""

    engine: Engine
    container: str
    role: Postgres

    def run(self, folder: str, database: str, files: tuple[str, ...], *, one_transaction: bool) -> ExecResult:
        """Run files of a folder quietly and to the first error, errors with SQLSTATE and in English; then remove the folder.

        The folder's name is the session's application_name.
        """
        argv = ["psql", "-Xq", "-U", self.role.user, "-d", database, "-p", str(self.role.port), "-o", "/dev/null"]
        argv += ["-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-v", "SHOW_CONTEXT=errors"]
        argv += ["-1"] if one_transaction else []
        for file in files:
            argv += ["-f", file]
        environment = {
            "PGHOST": "",
            "PGAPPNAME": folder,
            "PGCLIENTENCODING": "UTF8",
            "LC_ALL": "C",
            "PGOPTIONS": "-c lc_messages=C",
        }
        if self.role.password is not None:
            environment["PGPASSWORD"] = self.role.password
        command = ("sh", "-c", _RUN_AND_CLEAR, "sh", *argv)
        return self.engine.exec(self.container, command, environment=environment, workdir=f"{_PARENT}/{folder}")


def run_script(connection: Connection, script: Script, entry: Entry, state: State, environment: Environment) -> None:
    """Run the script in psql and record it. Raises SqlError, placed in the file as well as psql's words allow."""
    psql = environment.psql
    if psql is None:
        raise DatabaseError(f"{script.name} needs psql in the database's container: {', '.join(script.needs)}")
    if not script.transactional:
        connection.rows(_row(connection, script, entry, "running"))
    folder = f"devstack-{secrets.token_hex(8)}"
    psql.engine.write_archive(psql.container, _PARENT, [_archive(folder, _files(connection, script, entry, environment))])
    result = _executed(connection, psql, script, folder)
    _tell(connection, environment, result)
    row = ledger.read(connection).get(entry.path)
    recorded = row is not None and row.state == "applied" and row.checksum == entry.checksum
    if result.exit_code == 0 and recorded:
        return
    raise _error(connection, script, entry, state, result)


def _files(connection: Connection, script: Script, entry: Entry, environment: Environment) -> dict[str, bytes]:
    """What psql finds in its folder: the script, what it brings in, and two files of ours around it."""
    timeout = script.lock_timeout if script.lock_timeout is not None else 10.0
    local = "LOCAL " if script.transactional else ""
    before = [f"\\set {name} {_quoted(value)}\n" for name, value in environment.variables.items() if name not in ("DBNAME", "USER")]
    before.append(f"SET {local}lock_timeout = {round(timeout * 1000)};\n")
    home = (
        "" if not any(isinstance(item, Connect) for item in script.items) else f"\\connect {_quoted(connection.target.database)}\n"
    )
    after = f"\n;{home}{OWN_SESSION}{_row(connection, script, entry, 'applied')};\n"
    files = {_BEFORE: "".join(before).encode(), _AFTER: after.encode(), _inside(script.name): script.text.encode()}
    for name, path in script.files:
        data = path.read_bytes()
        files[_inside(name)] = source.decode(data, name).encode() if name.endswith(".sql") else data
    return files


def _row(connection: Connection, script: Script, entry: Entry, state: str) -> str:
    counted = ledger.SINCE_BEGIN if state == "applied" else None
    return ledger.insert(connection, entry, state=state, milliseconds=counted, statements=len(script.statements))


def _quoted(value: str) -> str:
    """A word of a meta-command."""
    return variables.literal(value.replace("\\", "\\\\").replace("\n", "\\n")).removeprefix(" E").replace("\\\\\\\\", "\\\\")


def _inside(name: str) -> str:
    """A file's name in the folder; what stands above the project's root gets a folder of its own."""
    return name.replace("../", "above/")


def _archive(folder: str, files: dict[str, bytes]) -> bytes:
    import tarfile  # with its compressors it costs more than all the rest

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        made: set[str] = set()
        for name, data in {"": b"", **files}.items():
            parts = [folder, *name.split("/")[:-1]] if name else [folder]
            for depth in range(1, len(parts) + 1):
                parent = "/".join(parts[:depth])
                if parent not in made:
                    made.add(parent)
                    entry = tarfile.TarInfo(parent)
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o777
                    tar.addfile(entry)
            if name:
                entry = tarfile.TarInfo(f"{folder}/{name}")
                entry.size, entry.mode = len(data), 0o644
                tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _executed(connection: Connection, psql: Psql, script: Script, folder: str) -> ExecResult:
    """The exec in a thread, so that Ctrl-C and the file's timeout can end what it does on the server."""
    results: list[ExecResult] = []
    errors: list[BaseException] = []
    files = (_BEFORE, _inside(script.name), _AFTER)

    def work() -> None:
        try:
            results.append(psql.run(folder, connection.target.database, files, one_transaction=script.transactional))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    late = False
    try:
        while thread.is_alive():
            thread.join(_TICK)
            late = connection.expired() or late
            if late:  # more than once: between two statements there is nothing to cancel
                connection.rows("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (folder,))
    except KeyboardInterrupt:
        connection.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (folder,))
        thread.join(_PATIENCE)
        raise
    if errors:
        raise errors[0]
    return results[0]


def _tell(connection: Connection, environment: Environment, result: ExecResult) -> None:
    for line in result.text.splitlines():
        environment.say(line)
    for fault in psql_errors.reports(result.stderr.decode(errors="replace")):
        if not fault.is_error and connection.on_notice is not None:
            connection.on_notice(fault.fault)


def _error(connection: Connection, script: Script, entry: Entry, state: State, result: ExecResult) -> SqlError:
    said = result.stderr.decode(errors="replace").strip()
    report = next((report for report in psql_errors.reports(said) if report.is_error), None)
    if script.transactional:
        told = state(True)
    else:
        told = "what psql ran before this place stays; the next apply runs the whole file again"
        connection.until(time.monotonic() + _PATIENCE)
        message = report.fault.message if report else said or "psql ended early"
        ledger.failed(connection, entry.path, report.fault.sqlstate if report else "", message)
    if report is None:
        words = said or "psql ended without recording the file: it ended the transaction itself"
        return SqlError(f"{script.name}: {words}", details=[("state", told)])
    fault = timed_out(script, report.fault)
    place = psql_errors.place(script, replace(report, fault=fault))
    return sql_error(script, fault, place, told)
