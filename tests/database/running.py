"""One file run as the schema step runs it, and the server's own tools beside it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.database import ledger
from devstack.database.connection import Connection, connect
from devstack.database.environment import Environment
from devstack.database.run import run_file
from devstack.database.scanner import parse
from devstack.database.script import Script, checksum
from devstack.database.target import Target
from tests.database.server import own_tools


def environment(root: Path, target: Target, **more: object) -> Environment:
    def other(database: str) -> Connection:
        return connect(replace(target, database=database), application_name="test")

    variables = {"DBNAME": target.database, "USER": target.user}
    return Environment(root=root, **{"variables": variables, "open_database": other, **more})  # type: ignore[arg-type]


def entry(path: str, data: bytes, run_id: str = "test") -> ledger.Entry:
    text = data.decode(errors="replace")
    return ledger.Entry(path=path, position=0, checksum=checksum(data), body=text, run_id=run_id)


def run(connection: Connection, path: str, where: Environment, data: bytes | None = None) -> Script:
    """Run a file of the environment's root (or these bytes) against a database and its ledger; how it was read."""
    assert where.root is not None
    content = (where.root / path).read_bytes() if data is None else data
    script = parse(content, path, environment=where)
    ledger.create(connection)
    run_file(connection, script, entry(path, content), lambda rolled_back: f"rolled back: {rolled_back}", environment=where)
    return script


def server_tools() -> Path:
    """psql and pg_dump of the server's own version."""
    tools = own_tools()
    if tools is None:
        if os.environ.get("DEVSTACK_REQUIRE_ENGINE") == "1":
            pytest.fail("psql and pg_dump are needed and not there")
        pytest.skip("no psql and pg_dump on this machine")
    return tools


def begin(program: Path, target: Target, *arguments: str, folder: Path | None = None) -> Callable[[], str]:
    """Start one of the server's tools; what is given waits for its end and gives its output."""
    process = subprocess.Popen(
        [str(program), "-h", target.host, "-p", str(target.port), "-U", target.user, "-d", target.database, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={"PGPASSWORD": target.password or "", "PATH": os.environ["PATH"], "PGCLIENTENCODING": "UTF8", "LC_ALL": "C.UTF-8"},
    )

    def end() -> str:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return out

    return end


def without_keys(dump: str) -> str:
    """A dump without what differs from one to the next."""
    return re.sub(r"(?m)^\\(un)?restrict .*$", "", dump)
