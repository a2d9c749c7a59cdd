from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.database.connection import Connection, connect
from devstack.database.creation import create_database
from devstack.database.schema import SchemaFiles
from devstack.database.target import Target
from tests.database.server import Server, server

_number = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    try:
        context = server()
        running = context.__enter__()
    except Exception as error:
        if os.environ.get("DEVSTACK_REQUIRE_ENGINE") == "1":
            raise
        pytest.skip(f"no PostgreSQL binaries and no container engine: {error}")
    yield running
    context.__exit__(None, None, None)


@pytest.fixture
def target(postgres: Server) -> Iterator[Target]:
    """An empty database of its own; it and those whose names begin with its name are dropped at the end."""
    made = replace(postgres.target, database=f"t{os.getpid()}_{next(_number)}")
    create_database(made, application_name="test")
    yield made
    with connect(postgres.target, application_name="test") as connection:
        names = connection.rows("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (made.database,))
        for (name,) in names:
            connection.rows(f"DROP DATABASE {connection.identifier(name)} WITH (FORCE)")


@pytest.fixture
def database(target: Target) -> Iterator[Connection]:
    with connect(target, application_name="test") as connection:
        yield connection


@pytest.fixture
def schema(tmp_path: Path, target: Target) -> Callable[..., SchemaFiles]:
    """Write SQL files (name -> text or bytes) and give them as one database's schema, in the order given."""

    def make(files: dict[str, str | bytes] | None = None, **named: str | bytes) -> SchemaFiles:
        paths = []
        for name, content in {**(files or {}), **{f"db/{key}.sql": value for key, value in named.items()}}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            paths.append(path)
        return SchemaFiles(service="db", database=target.database, files=tuple(paths), root=tmp_path)

    return make
