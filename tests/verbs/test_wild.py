"""`devstack up` in folders with compose files of the kinds that repositories have, nothing converted and nothing added."""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from tests.compose.cases import compose_is_there
from tests.conftest import tags_of_images
from tests.scenarios.checkout import Checkout, free_ports, states
from tests.scenarios.conftest import MakeCheckout, remove
from tests.verbs.beside import compose

Put = Callable[..., Checkout]
WILD = Path(__file__).parent / "wild"


@pytest.fixture
def put(checkout: MakeCheckout, sdk: docker.DockerClient) -> Iterator[Put]:
    """Puts a file into a folder of its own, as compose.yaml, with what it refers to."""
    made: list[Checkout] = []

    def place(name: str, files: dict[str, str] | None = None, env: str = "") -> Checkout:
        stack = checkout({"x": ""})
        (stack.folder / "x").unlink()
        shutil.copy(WILD / f"{name}.yaml", stack.folder / "compose.yaml")
        stack.write({".env": f"COMPOSE_PROJECT_NAME={stack.project}\n{env}", **(files or {})})
        made.append(stack)
        return stack

    yield place
    for stack in made:
        # Not by `down`, which gives every program the time it wants to stop.
        remove(stack.engine, stack.project)
        for tag in tags_of_images(sdk):
            if tag.startswith(f"{stack.project}-"):
                sdk.images.remove(tag, force=True)


def brought(stack: Checkout, *options: str) -> dict[str, str]:
    """`up` twice: the second time there is nothing to do, for devstack and (where it is there) for Compose."""
    found = states(stack.devstack("up", "--json", *options))
    before = stack.ids()
    again = stack.devstack("up", *options)
    assert again.out.startswith("nothing to do"), again
    if compose_is_there():
        compose(stack.folder, *options, "up", "-d")
    assert stack.ids() == before
    return found


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_web_database_and_cache(put: Put) -> None:
    port = free_ports(1)[0]
    stack = put("web-db-cache", env=f"WEB_PORT={port}\n")
    assert brought(stack) == {"web": "running", "db": "healthy", "cache": "running"}
    assert "hello" in page(f"http://127.0.0.1:{port}/")
    assert stack.devstack("db-shell", "db", "-c", "select 40 + 2").out.split()[2] == "42"
    assert "app-secret" not in stack.devstack("status").out


def test_queue_and_workers(put: Put) -> None:
    stack = put("queue-workers")
    assert brought(stack) == {"broker": "healthy", "worker": "running", "scheduler": "running"}
    assert len([name for name in stack.ids() if name.startswith("worker")]) == 3
    jobs = 'until [ "$(valkey-cli get done)" -ge 3 ]; do sleep 0.1; done; valkey-cli llen jobs'
    assert stack.devstack("exec", "broker", "timeout", "20", "sh", "-c", jobs).out.strip() == "0"


def test_monitoring(put: Put) -> None:
    prometheus, grafana = free_ports(2)
    stack = put("monitoring", env=f"PROMETHEUS_PORT={prometheus}\nGRAFANA_PORT={grafana}\n")
    stack.write({".env": (stack.folder / ".env").read_text().replace("COMPOSE_PROJECT_NAME", "MONITORING_NAME")})
    assert set(brought(stack).values()) <= {"running", "healthy"}
    assert page(f"http://127.0.0.1:{prometheus}/-/ready")
    assert "ok" in page(f"http://127.0.0.1:{grafana}/api/health")
    assert "job_name: node" in stack.devstack("exec", "prometheus", "cat", "/etc/prometheus/prometheus.yml").out


def test_one_shot_migrations(put: Put) -> None:
    stack = put("migrations")
    assert brought(stack) == {"db": "healthy", "migrate": "completed", "seed": "completed", "app": "running"}
    assert "1" in stack.devstack("logs", "--no-prefix", "app").out.split()
    stack.devstack("down")
    assert states(stack.devstack("up", "--json"))["seed"] == "completed"


def test_profiles(put: Put) -> None:
    stack = put("profiles", {"defaults.env": "A=1\n"})
    assert brought(stack) == {"app": "healthy"}
    assert brought(stack, "--profile", "mail") == {"app": "healthy", "mail": "running"} or "mail-1" in stack.ids()
    assert "console is here" in stack.devstack("run", "--rm", "console").out
    stack.devstack("up", "debug")
    assert stack.devstack("exec", "debug", "wget", "-qO-", "http://127.0.0.1:3000").out == "ok"
    assert set(stack.ids()) == {"app-1", "mail-1", "debug-1"}


def test_secrets(put: Put) -> None:
    stack = put("secrets", {"db_password.txt": "file-secret"}, env="API_KEY=env-secret\nSTORE_PASSWORD=store-secret\n")
    stack.write({"empty.env": ""})
    missing = stack.devstack("up", "--env-file", "empty.env", code=2)
    assert "STORE_PASSWORD" in missing.err and "compose.yaml:17:" in missing.err
    found = brought(stack)
    assert found == {"db": "healthy", "store": found["store"], "api": "running"} and found["store"] in ("running", "healthy")
    (log,) = [[line.text for line in stack.engine.logs(c.id)] for c in stack.containers().values() if c.service == "api"]
    assert log == ["400 1000", "file-secretenv-secret"]
    shown = stack.devstack("logs", "api").out
    assert "env-secret" not in shown
    assert stack.devstack("db-shell", "db", "-c", "select current_user").out.split()[2] == "keeper"


PROGRAM = """\
services:
  program:
    image: busybox:1.37
    init: true
    environment: {ROLE: none, SHARED: 'yes'}
    volumes: ['./data:/data']
"""


def test_include_and_extends(put: Put) -> None:
    parts = {
        "parts/base.yaml": PROGRAM,
        "parts/cache.yaml": "services: {cache: {image: 'redis:7', volumes: [cache:/data]}}\nvolumes: {cache: {}}\n",
        "parts/data/x": "found\n",
        "compose.override.yaml": "services: {api: {environment: {LOCAL: 'yes'}}}\n",
    }
    stack = put("include-and-extends", parts)
    assert brought(stack) == {"api": "running", "jobs": "running", "cache": "running"}
    assert set(stack.ids()) == {"api-1", "jobs-1", "jobs-2", "cache-1"}
    said = stack.devstack("exec", "api", "sh", "-c", "echo $ROLE $SHARED $LOCAL; cat /data/x").out
    assert said == "api yes yes\nfound\n"
    assert stack.devstack("exec", "--index", "2", "jobs", "sh", "-c", "echo $ROLE").out == "jobs\n"
