"""The scanner's boundaries against PostgreSQL's own parser (libpg_query, through pglast, which is GPL and only used here)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devstack.database import source
from devstack.database.environment import Environment
from devstack.database.scanner import parse
from devstack.database.script import Script

pglast = pytest.importorskip("pglast", reason="pglast is not installed (pip install 'devstack[dev]')")

CORPUS = Path(__file__).parent / "corpus"
EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = [*sorted(CORPUS.glob("*.sql")), *sorted(p for p in EXAMPLES.glob("*/**/db/**/*.sql") if "node_modules" not in p.parts)]
NEWER_LEXER = {
    "standard_conforming_off.sql": "the parser has no setting for old strings",
    "standard_conforming_config.sql": "the parser has no setting for old strings",
}


def by_the_parser(message: str) -> list[str]:
    """The statements that PostgreSQL finds in a message, without comments."""
    found = []
    for raw in pglast.parse_sql(message):
        start = raw.stmt_location or 0
        end = start + raw.stmt_len if raw.stmt_len else len(message)
        found.append(source.without_comments(message[start:end]).rstrip("; "))
    return found


def by_us(script: Script, index: int) -> list[str]:
    segment = script.segments[index]
    return [source.without_comments(segment.alone(statement).message).rstrip("; ") for statement in segment.statements]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_statements_end_where_the_servers_parser_ends_them(path: Path) -> None:
    if path.name in NEWER_LEXER:
        pytest.skip(NEWER_LEXER[path.name])
    root = CORPUS if path.parent == CORPUS else EXAMPLES
    name = os.path.relpath(path, root)
    where = Environment(root=root, variables={"DBNAME": "d", "USER": "u"}, open_database=lambda name: pytest.fail(name))
    script = parse(path.read_bytes(), name, environment=where)
    for index, segment in enumerate(script.segments):
        assert by_us(script, index) == by_the_parser(segment.message), f"{path.name}, message {index}"


def test_there_are_files_to_compare() -> None:
    assert len(FILES) > 110
