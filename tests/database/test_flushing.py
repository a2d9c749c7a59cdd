"""A Redis that is held still: for as long as the command lives and not much longer."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator

import docker
import pytest

from devstack.compose.roles import Redis
from devstack.database import flushing
from devstack.database.flushing import Hold, ask
from devstack.engine.base import Engine
from devstack.errors import DatabaseError
from tests.scenarios.checkout import wait_for

pytestmark = pytest.mark.engine
ROLE = Redis(service="cache", port=6379, password=None)
LEASE = 1.0


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flushing, "LEASE", LEASE)
    monkeypatch.setattr(flushing, "_RENEWAL", 0.3)


@pytest.fixture
def cache(engine: Engine, require_image: Callable[[str], str]) -> Iterator[str]:
    image = require_image("redis:7")
    client = docker.from_env()
    container = client.containers.run(image, detach=True, name=f"t-hold-{secrets.token_hex(4)}")
    try:
        wait_for(lambda: container.exec_run(["redis-cli", "ping"]).output.strip() == b"PONG")
        yield str(container.id)
    finally:
        container.remove(force=True, v=True)
        client.close()


def write(engine: Engine, cache: str) -> tuple[threading.Thread, list[float]]:
    """Begin to write; the list gets the time at which that was taken."""
    taken: list[float] = []

    def work() -> None:
        ask(engine, cache, ROLE, ["SET", "note", "it"])
        taken.append(time.monotonic())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, taken


@pytest.mark.parametrize("fastened", [False, True])
def test_a_hold_lasts_longer_than_its_lease_and_ends_with_a_failure(engine: Engine, cache: str, fastened: bool) -> None:
    with pytest.raises(ZeroDivisionError), Hold(engine, cache, ROLE) as hold:
        if fastened:
            hold.fasten()
        writing, taken = write(engine, cache)
        time.sleep(LEASE * 2.5)
        assert not taken
        raise ZeroDivisionError
    writing.join(5)
    assert taken


def test_a_command_that_is_killed_keeps_writers_waiting_no_longer_than_the_lease(engine: Engine, cache: str) -> None:
    hold = Hold(engine, cache, ROLE).__enter__()
    hold._over.set()  # no renewal from here on, and no end: as after kill -9
    writing, taken = write(engine, cache)
    begun = time.monotonic()
    writing.join(LEASE * 5)
    assert taken and taken[0] - begun < LEASE + 1.0


def test_a_gap_is_not_passed_over(engine: Engine, cache: str) -> None:
    with pytest.raises(DatabaseError, match="took writes while its volume was copied"), Hold(engine, cache, ROLE) as hold:
        hold._over.set()
        time.sleep(LEASE * 1.5)
        hold.fasten()
    write(engine, cache)[0].join(5)
    assert ask(engine, cache, ROLE, ["GET", "note"]) == "it"
