"""The images the tests and the demo stand on: what a stack relies on holds, be they genuine or stand-ins."""

from __future__ import annotations

import contextlib
import json
import os
import smtplib
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException, NotFound
from docker.models.containers import Container

from tests.conftest import tags_of_images

pytestmark = pytest.mark.engine
BUILD = Path(__file__).with_name("build.py")
MINIO = "minio/minio:RELEASE.2025-09-07T16-13-09Z"
USED = [
    *(f"postgres:{version}" for version in ("16", "17", "18")),
    *("redis:7", "valkey/valkey:8", "python:3.13-slim", "node:22-slim", "busybox:1.37", "alpine:3.22", "dpage/pgadmin4:9"),
    *("prom/prometheus:v3.5.0", "grafana/grafana:12.2.0", "axllent/mailpit:v1.27", MINIO),
]
Run = Callable[..., Container]


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    try:
        client = docker.from_env(timeout=60)
        client.ping()
    except DockerException as error:
        if os.environ.get("DEVSTACK_REQUIRE_ENGINE") == "1":
            pytest.fail(f"no container engine answers: {error}")
        pytest.skip(f"no container engine answers: {error}")
    there = tags_of_images(client)
    missing = [tag for tag in USED if tag not in there]
    if missing:
        done = subprocess.run([sys.executable, str(BUILD), *missing], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    yield client
    client.close()


@pytest.fixture
def volume(engine: docker.DockerClient) -> Iterator[str]:
    made = engine.volumes.create(f"stand-in-test-{uuid.uuid4().hex[:8]}")
    yield made.name
    made.remove(force=True)


@pytest.fixture
def run(engine: docker.DockerClient, volume: str) -> Iterator[Run]:
    """Start a container; all that were started are removed with their anonymous volumes, and before the named one."""
    started: list[Container] = []

    def start(image: str, command: list[str] | None = None, **options: Any) -> Container:
        name = f"stand-in-test-{uuid.uuid4().hex[:8]}"
        container: Container = engine.containers.run(image, command, name=name, detach=True, **options)
        started.append(container)
        return container

    yield start
    for container in started:
        with contextlib.suppress(NotFound):  # removed by its test
            container.remove(force=True, v=True)


def until(ready: Callable[[], bool], container: Container, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not ready():
        container.reload()
        log = container.logs(tail=20).decode(errors="replace")
        assert container.status == "running", f"{container.image} stopped:\n{log}"
        assert time.monotonic() < end, f"{container.image} is not ready after {seconds} s:\n{log}"
        time.sleep(0.05)


def says(container: Container, *command: str, **options: Any) -> str:
    code, output = container.exec_run(list(command), **options)
    assert isinstance(output, bytes)
    assert code == 0, output.decode(errors="replace")
    return output.decode().strip()


def succeeds(container: Container, *command: str) -> Callable[[], bool]:
    return lambda: container.exec_run(list(command)).exit_code == 0


def address(container: Container) -> str:
    """The container's own address; published ports are not needed to reach it from the engine's machine."""
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"]
    return str(next(iter(networks.values()))["IPAddress"])


def fetch(url: str, user: str = "") -> tuple[int, str]:
    headers = {"Authorization": "Basic " + b64encode(user.encode()).decode()} if user else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


POSTGRES = {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": "se'cret $x", "POSTGRES_DB": "shop-data"}


def postgres_ready(container: Container) -> None:
    until(succeeds(container, "pg_isready", "-q", "-h", "127.0.0.1", "-U", "shop", "-d", "shop-data"), container)


@pytest.mark.parametrize("major", ["16", "17", "18"])
def test_postgres_keeps_its_data_when_its_container_is_replaced(run: Run, volume: str, major: str) -> None:
    place = "/var/lib/postgresql" if major == "18" else "/var/lib/postgresql/data"
    options = {"environment": POSTGRES, "volumes": {volume: {"bind": place}}}
    first = run(f"postgres:{major}", **options)
    postgres_ready(first)
    psql = ("psql", "-U", "shop", "-d", "shop-data", "-Atc")
    assert says(first, *psql, "show server_version_num").startswith(major)
    says(first, *psql, "create extension pgcrypto; create table kept as select 42 as answer")
    assert says(first, *psql, "select pg_catalog.pg_get_userbyid(datdba) from pg_database where datname = 'shop-data'") == "shop"
    first.stop(timeout=10)
    assert first.wait()["StatusCode"] == 0
    first.remove(v=True)

    second = run(f"postgres:{major}", **options)
    postgres_ready(second)
    assert says(second, *psql, "select answer from kept") == "42"


def test_postgres_asks_for_the_password_over_the_network(run: Run) -> None:
    server = run("postgres:17", environment=POSTGRES)
    postgres_ready(server)
    over_tcp = ["psql", "-h", address(server), "-U", "shop", "-d", "shop-data", "-Atc", "select 1"]
    code, output = server.exec_run(over_tcp, environment={"PGPASSWORD": "wrong"})
    assert isinstance(output, bytes)
    assert code != 0
    assert b"password authentication failed" in output
    assert says(server, *over_tcp, environment={"PGPASSWORD": POSTGRES["POSTGRES_PASSWORD"]}) == "1"


@pytest.mark.parametrize("major", ["16", "17", "18"])
def test_postgres_refuses_to_start_without_a_password(run: Run, major: str) -> None:
    server = run(f"postgres:{major}")
    assert server.wait(timeout=20)["StatusCode"] == 1
    assert b"POSTGRES_PASSWORD" in server.logs()


def test_postgres_18_refuses_the_mount_of_older_versions(run: Run, volume: str) -> None:
    server = run("postgres:18", environment=POSTGRES, volumes={volume: {"bind": "/var/lib/postgresql/data"}})
    assert server.wait(timeout=20)["StatusCode"] == 1
    assert b"/var/lib/postgresql" in server.logs()


def test_postgres_runs_init_files_and_reads_secrets_from_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_text("create table seeded (word text); insert into seeded values ('from sql');")
    (tmp_path / "2.sh").write_text('psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "insert into seeded values (\'from sh\')"')
    (tmp_path / "secret").write_text("s3cret\n")
    mounts = {str(tmp_path): {"bind": "/docker-entrypoint-initdb.d", "mode": "ro"}}
    environment = {"POSTGRES_USER": "shop", "POSTGRES_DB": "shop-data"}
    environment["POSTGRES_PASSWORD_FILE"] = "/docker-entrypoint-initdb.d/secret"
    tmp_path.chmod(0o755)
    server = run("postgres:17", environment=environment, volumes=mounts)
    postgres_ready(server)
    found = says(server, "psql", "-U", "shop", "-d", "shop-data", "-Atc", "select string_agg(word, ', ') from seeded")
    assert found == "from sql, from sh"
    assert b"\nPostgreSQL init process complete; ready for start up.\n" in server.logs()
    assert says(server, "sh", "-c", "id -un; stat -c %U /proc/1").split() == ["root", "postgres"]


@pytest.mark.parametrize(("image", "program"), [("redis:7", "redis"), ("valkey/valkey:8", "valkey")])
def test_key_value_servers_answer_others_and_own_their_data(run: Run, image: str, program: str) -> None:
    server = run(image)
    until(succeeds(server, f"{program}-cli", "ping"), server)
    other = run(image, [f"{program}-cli", "-h", address(server), "set", "key", "value"])
    assert other.wait(timeout=20)["StatusCode"] == 0
    assert other.logs().strip() == b"OK"
    assert says(server, "stat", "-c", "%U", "/data", "/proc/1").split() == [program, program]


def test_python_has_pip_where_the_genuine_image_has_it(run: Run) -> None:
    code = "import sys, ssl, sqlite3, venv; print(sys.version_info[:2], sys.executable)"
    assert says(run("python:3.13-slim", ["sleep", "60"]), "python", "-c", code) == "(3, 13) /usr/local/bin/python"
    other = run("python:3.13-slim", ["pip", "--version"])
    assert other.wait(timeout=20)["StatusCode"] == 0
    assert b"/usr/local/lib/python3.13/site-packages/pip" in other.logs()


def test_node_has_npm_and_runs_a_script_by_its_name(run: Run) -> None:
    node = run("node:22-slim", ["-e", "console.log(process.versions.node)"])
    assert node.wait(timeout=20)["StatusCode"] == 0
    assert node.logs().startswith(b"22.")
    npm = run("node:22-slim", ["npm", "--version"], user="node")
    assert npm.wait(timeout=20)["StatusCode"] == 0


@pytest.mark.parametrize("image", ["busybox:1.37", "alpine:3.22"])
def test_small_images_have_a_shell_and_wget(run: Run, image: str) -> None:
    shell = run(image, ["sh", "-c", "wget --help 2>&1 | head -1; id -u"])
    assert shell.wait(timeout=20)["StatusCode"] == 0
    assert shell.logs().split()[-1] == b"0"


HEALTHY = [
    ("prom/prometheus:v3.5.0", None, {}, "http://localhost:9090/-/healthy"),
    ("grafana/grafana:12.2.0", None, {}, "http://localhost:3000/api/health"),
    ("axllent/mailpit:v1.27", None, {}, "http://localhost:8025/readyz"),
    (
        "dpage/pgadmin4:9",
        None,
        {"PGADMIN_DEFAULT_EMAIL": "dev@example.com", "PGADMIN_DEFAULT_PASSWORD": "secret-1", "PGADMIN_LISTEN_PORT": "5050"},
        "http://localhost:5050/misc/ping",
    ),
]


@pytest.mark.parametrize(("image", "command", "environment", "url"), HEALTHY, ids=[row[0] for row in HEALTHY])
def test_health_endpoints_answer_the_wget_inside(
    run: Run, image: str, command: list[str] | None, environment: dict[str, str], url: str
) -> None:
    server = run(image, command, environment=environment)
    until(succeeds(server, "wget", "-q", "-O", "/dev/null", url), server, seconds=60)


def test_grafana_keeps_its_first_password_and_lists_what_is_provisioned(run: Run, tmp_path: Path) -> None:
    (tmp_path / "datasources").mkdir()
    source = "apiVersion: 1\ndatasources: [{name: metrics, type: prometheus, url: 'http://$TARGET:9090'}]\n"
    (tmp_path / "datasources" / "all.yml").write_text(source)
    tmp_path.chmod(0o755)
    environment = {"GF_SECURITY_ADMIN_PASSWORD": "pass", "TARGET": "prometheus"}
    server = run("grafana/grafana:12.2.0", environment=environment, volumes={str(tmp_path): {"bind": "/etc/grafana/provisioning"}})
    until(succeeds(server, "wget", "-q", "-O", "/dev/null", "http://localhost:3000/api/health"), server)
    url = f"http://{address(server)}:3000/api/datasources"
    assert fetch(url, "admin:wrong")[0] == 401
    status, body = fetch(url, "admin:pass")
    assert (status, [source["url"] for source in json.loads(body)]) == (200, ["http://prometheus:9090"])


def test_mailpit_shows_the_mail_it_takes(run: Run) -> None:
    server = run("axllent/mailpit:v1.27")
    until(succeeds(server, "/mailpit", "readyz"), server)
    with smtplib.SMTP(address(server), 1025, timeout=10) as mail:
        mail.sendmail("a@example.com", ["b@example.com"], "From: a@example.com\nTo: b@example.com\nSubject: hello\n\nworld\n")
    _, body = fetch(f"http://{address(server)}:8025/api/v1/messages")
    assert [message["Subject"] for message in json.loads(body)["messages"]] == ["hello"]


def test_minio_is_healthy_and_refuses_strangers(run: Run) -> None:
    server = run(MINIO, ["server", "/data", "--console-address", ":9001"], environment={"MINIO_ROOT_PASSWORD": "password-1"})
    until(succeeds(server, "curl", "-fsS", "http://localhost:9000/minio/health/live"), server)
    until(succeeds(server, "mc", "ready", "local"), server)
    assert fetch(f"http://{address(server)}:9000/")[0] == 403
