"""Reaching a server: waiting for one that only starts, naming what refuses, hiding the password."""

from __future__ import annotations

import ast
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.database.connection import Connection, connect
from devstack.database.creation import create_database
from devstack.database.outcome import DatabaseMissing, StatementRefused, WrongPassword
from devstack.database.target import Target
from devstack.errors import DatabaseError, DeadlinePassed
from tests.database.server import Server, free_port


def test_a_server_that_is_only_starting_is_waited_for(postgres: Server, target: Target) -> None:
    postgres.kill()
    threading.Timer(0.4, postgres.start).start()
    with connect(target, application_name="test", deadline=time.monotonic() + 15) as connection:
        assert connection.rows("SELECT 1") == [(1,)]


def test_without_a_deadline_silence_is_told_at_once() -> None:
    target = Target("127.0.0.1", free_port(), "shop", "secret", "shop", "db")
    started = time.monotonic()
    with pytest.raises(DatabaseError) as caught:
        connect(target, application_name="test")
    assert time.monotonic() - started < 2
    assert "Connection refused" in dict(caught.value.details)["last"]
    assert caught.value.hints == ("devstack logs db",)


def test_a_deadline_that_passes_is_exit_5() -> None:
    target = Target("127.0.0.1", free_port(), "shop", "secret", "shop", "db")
    with pytest.raises(DeadlinePassed) as caught:
        connect(target, application_name="test", deadline=time.monotonic() + 0.3)
    assert caught.value.exit == 5


def test_a_port_that_accepts_and_says_nothing_is_waited_for_and_then_told() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        target = Target("127.0.0.1", mute.getsockname()[1], "shop", "secret", "shop", "db")
        started = time.monotonic()
        with pytest.raises(DeadlinePassed):
            connect(target, application_name="test", deadline=time.monotonic() + 1)
        assert time.monotonic() - started < 6


def test_waiting_stops_when_asked() -> None:
    target = Target("127.0.0.1", free_port(), "shop", "secret", "shop", "db")
    with pytest.raises(KeyboardInterrupt):
        connect(target, application_name="test", deadline=time.monotonic() + 60, interrupted=lambda: True)


def test_a_server_that_has_ended_is_not_waited_for() -> None:
    asked: list[float] = []

    def gone() -> bool:
        asked.append(time.monotonic())
        return len(asked) > 2

    target = Target("127.0.0.1", free_port(), "shop", "secret", "shop", "db")
    with pytest.raises(DatabaseError) as caught:
        connect(target, application_name="test", deadline=time.monotonic() + 60, gone=gone)
    assert caught.value.code == "not-running" and len(asked) == 3
    assert "devstack up db" in caught.value.hints


def test_a_wrong_password_is_told_at_once_though_a_deadline_is_far(target: Target) -> None:
    started = time.monotonic()
    with pytest.raises(WrongPassword):
        connect(replace(target, password="wrong"), application_name="test", deadline=time.monotonic() + 60)
    assert time.monotonic() - started < 2


def test_a_missing_database_is_named_even_when_its_name_says_timeout(target: Target) -> None:
    with pytest.raises(DatabaseMissing, match="timeout starting up"):
        connect(replace(target, database="timeout starting up"), application_name="test", deadline=time.monotonic() + 60)


def test_making_a_database_twice_is_no_error(target: Target) -> None:
    other = replace(target, database=f"{target.database}_made")
    assert create_database(other, application_name="test") is True
    assert create_database(other, application_name="test") is False


def test_a_server_that_notices_dead_clients_is_asked_to(database: Connection) -> None:
    assert database.version >= 140000
    assert database.rows("SHOW client_connection_check_interval") == [("500ms",)]
    assert database.rows("SHOW lock_timeout") == [("10s",)]
    assert database.rows("SHOW application_name") == [("test",)]


def test_a_read_only_session_cannot_write(target: Target) -> None:
    with connect(target, application_name="test", read_only=True) as connection, pytest.raises(StatementRefused) as caught:
        connection.rows("CREATE TABLE t (id int)")
    assert caught.value.fault.sqlstate == "25006"


def test_literals_and_identifiers_survive_hostile_text(database: Connection) -> None:
    hostile = "a'b\\c\"d; DROP TABLE x; -- é $$"
    for setting in ("on", "off"):
        database.run(f"SET standard_conforming_strings = {setting}")
        assert database.rows(f"SELECT {database.literal(hostile)} AS {database.identifier(hostile)}") == [(hostile,)]
    assert database.rows("SELECT " + database.literal(7) + ", " + database.literal(None)) == [(7, None)]


def test_after_a_fault_the_session_goes_on(database: Connection) -> None:
    fault = database.run("SELECT 1; SELECT nope; SELECT 2")
    assert fault is not None and fault.sqlstate == "42703"
    assert not database.in_transaction
    assert database.rows("SELECT 3") == [(3,)]


def test_a_target_never_shows_its_password() -> None:
    target = Target("::1", 5432, "sh op", "p@ss/word", "my db", "db")
    assert repr(target) == "Target(postgresql://sh%20op:****@[::1]:5432/my%20db)"
    assert target.url == "postgresql://sh%20op:p%40ss%2Fword@[::1]:5432/my%20db"
    assert "p@ss" not in f"{target} {target.masked}"
    assert replace(target, password=None).masked == "postgresql://sh%20op@[::1]:5432/my%20db"


def test_psycopg_has_one_door() -> None:
    package = Path(__file__).parents[2] / "devstack"
    importers = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "psycopg" for name in names):
                importers.add(str(path.relative_to(package)))
    assert importers == {"database/connection.py"}
