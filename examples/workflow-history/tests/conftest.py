"""The tests talk to a running API (API_URL) and to a real PostgreSQL (DATABASE_URL).

They change nothing that is already there: what they make through the API they delete for good
afterwards, and what needs a database of its own makes one beside the given one and drops it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import httpx
import pytest
from here import Database, Maker, Started, new_database, url_of

BASE = os.environ.get("API_URL", "http://localhost:8000")


@pytest.fixture(scope="session")
def api() -> Iterator[httpx.Client]:
    with httpx.Client(base_url=BASE, timeout=20) as client:
        try:
            client.get("/health").raise_for_status()
        except httpx.HTTPError as error:
            pytest.fail(f"no healthy API at {BASE} (set API_URL): {error}")
        yield client


@pytest.fixture(scope="session")
def running() -> Database:
    """The database of the running API."""
    return Database()


@pytest.fixture
def make(api: httpx.Client, running: Database) -> Iterator[Maker]:
    maker = Maker(api)
    yield maker
    # There is no DELETE in the contract; what hangs on a workflow goes with it.
    running.execute("DELETE FROM workflows WHERE name = %s", maker.mark)


@pytest.fixture(scope="session")
def migrated() -> Iterator[str]:
    """A database that Alembic made and nobody uses but to copy it."""
    with new_database() as name:
        upgraded = Database(name).alembic("upgrade", "head")
        assert upgraded.returncode == 0, upgraded.stderr
        yield name


@pytest.fixture
def database(migrated: str) -> Iterator[Database]:
    with new_database(migrated) as name:
        yield Database(name)


@pytest.fixture(scope="session")
def pristine(migrated: str) -> Database:
    """As migrated, for tests that leave nothing in it."""
    return Database(migrated)


@pytest.fixture(scope="session")
def own() -> Iterator[Started]:
    """An API of the tests' own, whose log they can read, on a database of its own."""
    with new_database() as name:
        upgraded = Database(name).alembic("upgrade", "head")
        assert upgraded.returncode == 0, upgraded.stderr
        started = Started(url_of(name))
        yield started
        started.kill()


@pytest.fixture
def empty_database() -> Iterator[Database]:
    with new_database() as name:
        yield Database(name)


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    """Starts an API process of its own on a database: start(url, run_timeout_seconds="2")."""
    started: list[Started] = []

    def begin(database_url: str, **settings: str) -> Started:
        started.append(Started(database_url, **settings))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.kill()
