"""A compose.yaml that declares no health check: `up` still ends only when the database answers."""

from __future__ import annotations

import subprocess

import psycopg

from tests.scenarios.checkout import free_ports, wait_for
from tests.scenarios.conftest import MakeCheckout

COMPOSE = """\
services:
  db:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: postgres}
    ports: ["127.0.0.1:PORT:5432"]
    volumes: ["data:/var/lib/postgresql/data", "./first:/docker-entrypoint-initdb.d:ro"]
volumes: {data: {}}
"""
SLOW = "SELECT pg_sleep(3); CREATE TABLE made (n int);\n"


def test_up_waits_until_a_database_without_one_answers(checkout: MakeCheckout) -> None:
    (port,) = free_ports(1)
    stack = checkout({"compose.yaml": COMPOSE.replace("PORT", str(port)), "first/1.sql": SLOW})
    first = stack.devstack("up")
    with psycopg.connect(f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres", connect_timeout=5) as connection:
        assert connection.execute("SELECT count(*) FROM made").fetchone() == (0,)
    assert "answers" in first.err and "next: devstack db-shell · " in first.err
    # The password is a word of the stack: it hides no line, and is not shown where it is one.
    assert f"postgresql://postgres:****@localhost:{port}/postgres" in first.out
    assert stack.devstack("up").out.startswith("nothing to do")
    stack.devstack("restart", "db")
    with psycopg.connect(f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres", connect_timeout=5):
        pass


def test_a_shell_waits_for_a_server_that_is_still_starting(checkout: MakeCheckout) -> None:
    probe = "    healthcheck: {test: [CMD, pg_isready, -h, 127.0.0.1], interval: 5s}\n"
    stack = checkout(
        {
            "compose.yaml": COMPOSE.replace("PORT", str(free_ports(1)[0])).replace("volumes: {", f"{probe}volumes: {{"),
            "first/1.sql": SLOW,
        }
    )
    up = stack.begin("up", stdout=subprocess.DEVNULL)
    wait_for(lambda: any(container.running for container in stack.containers().values()))
    up.kill()
    up.wait()
    shell = stack.devstack("db-shell", "-c", "SELECT count(*) FROM made", "--csv")
    assert shell.out == "count\n0\n"
    assert "db is still starting" in shell.err


def test_up_waits_for_the_server_itself_where_the_probe_hears_that_of_the_init_scripts(checkout: MakeCheckout) -> None:
    (port,) = free_ports(1)
    probe = "    healthcheck: {test: [CMD-SHELL, pg_isready -U postgres], interval: 1s}\n"
    document = COMPOSE.replace("PORT", str(port)).replace("volumes: {", f"{probe}volumes: {{")
    stack = checkout({"compose.yaml": document, "first/1.sql": SLOW})
    assert "healthy" in stack.devstack("up").out
    with psycopg.connect(f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres", connect_timeout=5) as connection:
        assert connection.execute("SELECT count(*) FROM made").fetchone() == (0,)
