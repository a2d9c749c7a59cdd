"""The shell in a real container: through a real pseudo-terminal, through pipes, and what its command line gives away."""

from __future__ import annotations

import io
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pexpect
import pytest

from devstack.compose.roles import Postgres, Redis
from devstack.database.clients import psql_command, redis_command
from devstack.database.connection import connect
from devstack.database.credentials import set_password
from devstack.database.reach import target_of
from devstack.database.shell import Command, run_shell
from devstack.engine.base import Engine
from devstack.errors import DatabaseError
from tests.conftest import absent

PASSWORD = "s3cret-" + secrets.token_hex(4)
ROLE = Postgres(service="db", user="shop", password=PASSWORD, database="shop", data_target="/var/lib/postgresql/data", major=17)
CACHE = Redis(service="cache", password=PASSWORD)


@dataclass(frozen=True)
class Running:
    database: str
    cache: str


@pytest.fixture(scope="module")
def running(engine: Engine) -> Iterator[Running]:
    """A Postgres that publishes its port and a Redis with a password."""
    for image in ("postgres:17", "redis:7"):
        if engine.image(image) is None:
            absent(f"the image {image} is not there")
    client = docker.from_env()
    suffix = secrets.token_hex(4)
    made = []
    try:
        environment = {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_DB": "shop"}
        made.append(
            client.containers.run(
                "postgres:17", detach=True, name=f"t-db-{suffix}", environment=environment, ports={"5432/tcp": ("127.0.0.1", 0)}
            )
        )
        made.append(
            client.containers.run("redis:7", ["redis-server", "--requirepass", PASSWORD], detach=True, name=f"t-cache-{suffix}")
        )
        target = target_of(ROLE, engine.inspect(str(made[0].id)), engine.info.endpoint)
        connect(target, application_name="test", deadline=time.monotonic() + 60).close()
        yield Running(str(made[0].id), str(made[1].id))
    finally:
        for container in made:
            container.remove(force=True, v=True)
        client.close()


def piped(engine: Engine, container: str, command: Command, stdin: bytes, folder: Path) -> tuple[int, str, str]:
    """Run with a real file as stdin, as a shell's `<` gives; (exit code, stdout, stderr)."""
    path = folder / "stdin"
    path.write_bytes(stdin)
    out, err = io.BytesIO(), io.BytesIO()
    with path.open("rb") as source:
        code = run_shell(engine, container, command, stdin=source, stdout=out, stderr=err)
    return code, out.getvalue().decode(), err.getvalue().decode()


def test_a_command_answers_and_its_exit_code_is_psqls(engine: Engine, running: Running, tmp_path: Path) -> None:
    ok = piped(engine, running.database, psql_command(ROLE, sql=("SELECT 6 * 7 AS answer",), output="csv"), b"", tmp_path)
    assert ok == (0, "answer\n42\n", "")
    code, out, err = piped(engine, running.database, psql_command(ROLE, sql=("SELECT nope",)), b"", tmp_path)
    assert (code, out) == (1, "")
    assert 'column "nope" does not exist' in err


def test_several_commands_run_in_order_and_stop_at_the_first_error(engine: Engine, running: Running, tmp_path: Path) -> None:
    command = psql_command(ROLE, sql=("SELECT 1 AS a", "SELECT nope", "SELECT 3 AS c"), output="csv")
    code, out, _ = piped(engine, running.database, command, b"", tmp_path)
    assert (code, out) == (1, "a\n1\n")


def test_piped_sql_stops_at_an_error_with_exit_3(engine: Engine, running: Running, tmp_path: Path) -> None:
    command = psql_command(ROLE, interactive=False, output="csv")
    code, out, err = piped(engine, running.database, command, b"SELECT 1 AS a;\nSELECT nope;\nSELECT 3;\n", tmp_path)
    assert (code, out) == (3, "a\n1\n")
    assert "nope" in err


def test_a_large_input_and_output_pass_unharmed(engine: Engine, running: Running, tmp_path: Path) -> None:
    rows = "".join(f"{n}\tzeile {n} ü\n" for n in range(100_000))
    sql = f"CREATE TEMP TABLE t (n int, s text);\nCOPY t FROM stdin;\n{rows}\\.\nCOPY t TO stdout;\n"
    code, out, err = piped(engine, running.database, psql_command(ROLE, interactive=False, extra=("-q",)), sql.encode(), tmp_path)
    assert (code, err) == (0, "")
    assert out == rows


def test_the_shell_opens_with_a_wrong_password(engine: Engine, running: Running, tmp_path: Path) -> None:
    wrong = Postgres(service="db", user="shop", password="wrong", database="shop", data_target="/x", major=17)
    code, out, _ = piped(engine, running.database, psql_command(wrong, sql=("SELECT 1 AS a",), output="csv"), b"", tmp_path)
    assert (code, out) == (0, "a\n1\n")


def test_a_wrong_password_over_the_network_is_told_with_the_repair_that_works(
    engine: Engine, running: Running, tmp_path: Path
) -> None:
    newer = Postgres(service="db", user="shop", password=PASSWORD + "-new", database="shop", data_target="/x", major=17)
    target = target_of(newer, engine.inspect(running.database), engine.info.endpoint)
    with pytest.raises(DatabaseError) as caught:
        connect(target, application_name="test")
    assert caught.value.code == "wrong-password"
    assert "devstack db fix-credentials" in caught.value.hints[0]
    try:
        set_password(engine, running.database, newer, PASSWORD + "-new")
        connect(target, application_name="test").close()
    finally:
        back = f"ALTER ROLE shop PASSWORD '{PASSWORD}'"
        assert piped(engine, running.database, psql_command(newer, interactive=False), back.encode(), tmp_path)[0] == 0


def test_the_password_is_in_no_argument(engine: Engine, running: Running) -> None:
    for role, container, words in ((ROLE, running.database, "SELECT pg_sleep(2)"), (CACHE, running.cache, "BLPOP nothing 2")):
        command = psql_command(role, sql=(words,)) if isinstance(role, Postgres) else redis_command(role, command=words)
        assert PASSWORD not in " ".join(command.argv)
        session = engine.session(container, command.argv, tty=False, environment=command.environment)
        time.sleep(0.5)
        processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        client = [line for line in processes.splitlines() if line.startswith(command.argv[0])]
        session.close()
        assert client, processes
        assert not [line for line in client if PASSWORD in line]


def test_redis_answers_with_its_password(engine: Engine, running: Running, tmp_path: Path) -> None:
    assert piped(engine, running.cache, redis_command(CACHE, command="PING"), b"", tmp_path)[:2] == (0, "PONG\n")
    assert piped(engine, running.cache, redis_command(CACHE, interactive=False), b"SET a b\nGET a\n", tmp_path)[1] == "OK\nb\n"


def test_stdin_that_ends_at_once_ends_the_program(engine: Engine, running: Running, tmp_path: Path) -> None:
    assert piped(engine, running.cache, Command(("cat",), {}, ""), b"", tmp_path) == (0, "", "")


def test_streams_stay_apart_and_the_exit_code_comes_through(engine: Engine, running: Running, tmp_path: Path) -> None:
    command = Command(("sh", "-c", "cat; echo told >&2; exit 7"), {}, "")
    assert piped(engine, running.cache, command, b"given", tmp_path) == (7, "given", "told\n")


_DRIVER = """
import os, sys
from devstack.compose.roles import Postgres
from devstack.database.clients import psql_command, redis_command
from devstack.database.shell import Command, run_shell
from devstack.engine.docker import connect
from devstack.engine.endpoint import resolve
(container,) = sys.argv[1:]
engine = connect(resolve(None, os.environ))
role = Postgres(service="db", user="shop", password=os.environ["PW"], database="shop", data_target="/x", major=17)
sys.exit(run_shell(engine, container, psql_command(role)))
"""


def terminal(container: str) -> pexpect.spawn:
    return pexpect.spawn(
        sys.executable,
        ["-c", _DRIVER, container],
        env={**os.environ, "PW": PASSWORD, "TERM": "xterm", "PAGER": "cat", "PSQL_PAGER": ""},
        dimensions=(24, 80),
        timeout=15,
        encoding="utf-8",
    )


def test_a_person_at_a_terminal_gets_prompt_query_ctrl_c_and_exit_code(running: Running) -> None:
    shell = terminal(running.database)
    shell.expect("shop=# ")
    shell.sendline("SELECT 6 * 7;")
    shell.expect(r"\b42\b")
    shell.expect("shop=# ")
    shell.sendline("SELECT pg_sleep(60);")
    time.sleep(0.5)
    started = time.monotonic()
    shell.sendintr()
    shell.expect("canceling statement due to user request")
    assert time.monotonic() - started < 3
    shell.expect("shop=# ")
    shell.sendline("\\q")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0


def test_the_program_inside_follows_the_windows_size(running: Running) -> None:
    shell = terminal(running.database)
    shell.expect("shop=# ")
    shell.sendline("\\! stty size")
    shell.expect("24 80")
    shell.expect("shop=# ")
    shell.setwinsize(40, 132)
    time.sleep(0.5)
    shell.sendline("\\! stty size")
    shell.expect("40 132")
    shell.expect("shop=# ")
    shell.sendeof()
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0


def test_the_terminal_is_set_back_when_the_container_dies(engine: Engine, running: Running) -> None:
    client = docker.from_env()
    short = client.containers.run("redis:7", ["sleep", "60"], entrypoint=[], detach=True, name=f"t-short-{secrets.token_hex(4)}")
    try:
        script = (
            "import os, sys, termios\n"
            "from devstack.database.shell import Command, run_shell\n"
            "from devstack.engine.docker import connect\n"
            "from devstack.engine.endpoint import resolve\n"
            "before = termios.tcgetattr(0)\n"
            "engine = connect(resolve(None, os.environ))\n"
            "code = run_shell(engine, sys.argv[1], Command(('sh',), {}, ''))\n"
            "print('code', code, 'same', termios.tcgetattr(0) == before)\n"
        )
        shell = pexpect.spawn(sys.executable, ["-c", script, str(short.id)], timeout=15, encoding="utf-8")
        shell.expect("# ")
        short.kill()
        shell.expect(r"code \d+ same True")
        shell.expect(pexpect.EOF)
    finally:
        short.remove(force=True, v=True)
        client.close()


def test_sessions_with_many_questions_go_around_the_engines_proxy_where_its_bridge_is_here(
    engine: Engine, running: Running
) -> None:
    client = docker.DockerClient(base_url=engine.info.endpoint.url)
    network = client.networks.create(f"t-near-{secrets.token_hex(3)}", labels={"io.devstack.test": "near"})
    try:
        network.connect(running.database)
        container = engine.inspect(running.database)
        target = target_of(ROLE, container, engine.info.endpoint, near=True)
        here = Path(f"/sys/class/net/br-{str(network.id)[:12]}").exists()
        assert target.near == ((container.networks[str(network.name)], 5432) if here else None)
        assert target.masked == target_of(ROLE, container, engine.info.endpoint).masked
        with connect(target, application_name="test") as connection:
            assert connection.rows("SELECT current_user") == [("shop",)]
        # The same address on a bridge that is not this machine's may be another server's.
        elsewhere = replace(container, network_ids=dict.fromkeys(container.networks, "0" * 64))
        assert target_of(ROLE, elsewhere, engine.info.endpoint, near=True).near is None
        assert target_of(ROLE, container, replace(engine.info.endpoint, local=False), near=True).near is None
    finally:
        network.disconnect(running.database, force=True)
        network.remove()
        client.close()


def test_a_container_that_publishes_nothing_is_reached_by_its_address(engine: Engine, running: Running) -> None:
    container = engine.inspect(running.database)
    hidden = replace(container, bindings=())
    target = target_of(ROLE, hidden, engine.info.endpoint)
    assert target.port == 5432 and target.host in container.networks.values()
    with connect(target, application_name="test") as connection:
        assert connection.rows("SELECT current_user") == [("shop",)]
    far = replace(engine.info.endpoint, url="tcp://elsewhere:2376", local=False)
    with pytest.raises(DatabaseError, match="publishes no port"):
        target_of(ROLE, hidden, far)
    assert target_of(ROLE, container, far).host == "elsewhere"
