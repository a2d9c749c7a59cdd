"""A few rounds of tests.database.kills, and two applies at once; `python -m tests.database.kills` runs more."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.database import ledger
from devstack.database.connection import connect
from devstack.database.schema import SchemaFiles, apply, status
from devstack.database.target import Target
from tests.database import kills
from tests.database.server import Server, server


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that may be killed: nobody else's tests are on it."""
    with server() as running:
        yield running


def test_a_kill_leaves_no_half_applied_file_and_nothing_to_do_by_hand(own_server: Server) -> None:
    found = kills.rounds(own_server, 5, seed=int(time.time()))
    assert all(r.good for r in found), kills.table(found)


def test_two_applies_at_once_in_two_processes_apply_each_file_once(target: Target, tmp_path: Path) -> None:
    files = kills.write(tmp_path)
    processes = [kills.start(target, tmp_path) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    wanted = SchemaFiles(service="db", database=target.database, files=files, root=tmp_path)
    assert kills.halves(target, wanted) == (kills.FILES, ())
    with connect(target, application_name="test") as connection:
        runs = connection.rows("SELECT count(DISTINCT run_id) FROM devstack.schema_history")
    assert runs == [(1,)]


def test_the_lock_of_a_killed_client_is_free_at_once(target: Target, tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("select pg_sleep(60);")
    process: subprocess.Popen[bytes] = kills.start(target, tmp_path)
    with connect(target, application_name="test") as connection:
        end = time.monotonic() + 20
        while not ledger.holder(connection):
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed = time.monotonic()
        while ledger.holder(connection):
            assert time.monotonic() - killed < 5, "the lock outlived its client"
            time.sleep(0.02)
    (tmp_path / "a.sql").write_text("select 1;")
    wanted = SchemaFiles(service="db", database=target.database, files=(tmp_path / "a.sql",), root=tmp_path)
    assert [r.path for r in apply(replace(target), wanted).applied] == ["a.sql"]
    assert [state.state for state in status(target, wanted)] == ["applied"]
