"""More than a hundred SQL files of many kinds: run by psql and by us, they leave databases behind whose dumps are the same."""

from __future__ import annotations

import hashlib
import itertools
import os
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.database.connection import connect
from devstack.database.target import Target
from tests.database.running import begin, environment, run, server_tools, without_keys
from tests.database.server import Server

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(path.name for path in CORPUS.glob("*.sql"))
_number = itertools.count(1)


@pytest.fixture
def pair(postgres: Server) -> tuple[Target, Target]:
    """Two empty databases. They go with their server: dropping each would cost a checkpoint."""
    ours, theirs = (replace(postgres.target, database=f"corpus_{os.getpid()}_{next(_number)}") for _ in range(2))
    with connect(postgres.target, application_name="test") as connection:
        for target in (ours, theirs):
            connection.rows(f"CREATE DATABASE {target.database} TEMPLATE template0")
    return ours, theirs


def test_the_corpus_has_at_least_a_hundred_files() -> None:
    assert len(FILES) >= 100


@pytest.mark.parametrize("name", FILES)
def test_a_file_leaves_the_same_database_behind_as_psql(name: str, pair: tuple[Target, Target]) -> None:
    ours, theirs = pair
    tools = server_tools()
    by_psql = begin(tools / "psql", theirs, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", name, folder=CORPUS)
    with connect(ours, application_name="test") as connection:
        run(connection, name, environment(CORPUS, ours))
        rows = connection.rows("SELECT state, statements = statements_done FROM devstack.schema_history")
    assert rows == [("applied", True)]
    by_psql()
    dumps = [begin(tools / "pg_dump", target, "--exclude-schema=devstack") for target in pair]
    first, second = (without_keys(dump()) for dump in dumps)
    assert hashlib.sha256(first.encode()).hexdigest() == hashlib.sha256(second.encode()).hexdigest(), difference(first, second)


def difference(ours: str, theirs: str) -> str:
    import difflib

    return "\n".join(difflib.unified_diff(theirs.splitlines(), ours.splitlines(), "psql", "devstack", lineterm="", n=1))
