"""A real PostgreSQL server for tests: the machine's own binaries in a temporary folder, or a container where there are none."""

from __future__ import annotations

import atexit
import contextlib
import functools
import glob
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack.database.connection import Connection, connect
from devstack.database.target import Target

IMAGE = os.environ.get("DEVSTACK_TEST_POSTGRES", "postgres:17")
"""Set the variable to an image to run these tests on that server instead of the machine's own."""


@dataclass(frozen=True)
class Server:
    """A running server. `stop` and `start` act on it as a crash and a restart would."""

    target: Target
    kill: Callable[[], None]
    start: Callable[[], None]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextlib.contextmanager
def server() -> Iterator[Server]:
    binaries = newest_binaries()
    if binaries is not None and "DEVSTACK_TEST_POSTGRES" not in os.environ:
        with _from_binaries(binaries) as running:
            yield running
    else:
        with _from_image() as running:
            yield running


@functools.cache
def own_tools() -> Path | None:
    """The folder of psql and pg_dump of the server's own version; None where the machine has neither them nor an engine."""
    binaries = newest_binaries()
    if binaries is not None and "DEVSTACK_TEST_POSTGRES" not in os.environ:
        return binaries
    if shutil.which("docker") is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="devstack-pg-tools-"))
    atexit.register(shutil.rmtree, folder)
    for name in ("psql", "pg_dump"):
        (folder / name).write_text(_IN_IMAGE.format(image=IMAGE, name=name))
        (folder / name).chmod(0o755)
    return folder


_IN_IMAGE = """#!/bin/sh
exec docker run --rm -i --network host --env PGPASSWORD --env PGCLIENTENCODING --env LC_ALL --volume "$PWD:$PWD" --workdir "$PWD" \\
  --entrypoint {name} {image} "$@"
"""


def newest_binaries() -> Path | None:
    """The folder of the newest server installed here."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda f: int(f.split("/")[4]))
    return Path(folders[-1]) if folders else None


def _nobody() -> dict[str, object]:
    """initdb and postgres refuse to run as root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def _from_binaries(binaries: Path) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="devstack-pg-"))
    who = _nobody()
    if who:
        os.chown(folder, int(str(who["user"])), int(str(who["group"])))
    password = secrets.token_hex(8)
    file = folder / "password"
    file.write_text(password)
    data = folder / "data"
    if who:
        os.chown(file, int(str(who["user"])), int(str(who["group"])))
    port = free_port()

    def run(*command: object) -> None:
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=folder, **who)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stdout + done.stderr

    def start() -> None:
        options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1 -c max_connections=40"
        run(binaries / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")

    run(
        binaries / "initdb", "-D", data, "-U", "shop", "--auth=scram-sha-256", "--pwfile", file,
        "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
    )  # fmt: skip
    start()

    def kill() -> None:
        run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")

    try:
        yield Server(Target("127.0.0.1", port, "shop", password, "postgres", "db"), kill, start)
    finally:
        with contextlib.suppress(AssertionError):
            kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _from_image() -> Iterator[Server]:
    import docker

    password = secrets.token_hex(8)
    port = free_port()
    client = docker.from_env()
    container = client.containers.run(
        IMAGE,
        detach=True,
        name=f"devstack-test-pg-{os.getpid()}-{port}",
        environment={"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": password, "POSTGRES_DB": "postgres"},
        ports={"5432/tcp": ("127.0.0.1", port)},
    )
    target = Target("127.0.0.1", port, "shop", password, "postgres", "db")

    def start() -> None:
        container.start()
        connect(target, application_name="test", deadline=time.monotonic() + 60).close()

    try:
        connect(target, application_name="test", deadline=time.monotonic() + 60).close()
        yield Server(target, container.kill, start)
    finally:
        container.remove(force=True, v=True)
        client.close()


def tables(connection: Connection) -> list[str]:
    """What stands in schema public."""
    return [
        row[0] for row in connection.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1")
    ]
