"""The interchange matrix: a stack that one of devstack and `docker compose` made is seen and managed by the other.

One stack with most of what may go wrong: replicas, a one-shot, secrets and configs of every source, several networks, a shared
namespace, binds, nameless volumes, a profile, a built image.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import docker
import pytest

from devstack.engine.base import State
from tests.scenarios.checkout import Checkout, run, states, wait_for
from tests.scenarios.conftest import MakeCheckout
from tests.verbs.beside import beside_compose, compose

pytestmark = beside_compose

FILE = """\
name: @PROJECT
services:
  db:
    image: busybox:1.37
    init: true
    command: [sh, -c, "echo db is up; exec sleep 1000"]
    volumes: [data:/data, "/nameless", "./conf:/conf:ro"]
    networks: {back: {aliases: [database]}}
    healthcheck: {test: [CMD, "true"], interval: 2s}
    stop_grace_period: 0s
    secrets: [file, {source: variable, target: /run/v, mode: 0400}]
  migrate:
    image: busybox:1.37
    command: [sh, -c, "ping -c 1 database > /dev/null && date +%s%N >> /data/migrations"]
    volumes: [data:/data]
    networks: [back]
    depends_on: {db: {condition: service_healthy}}
  web:
    build: {dockerfile_inline: "FROM busybox:1.37\\nRUN echo built > /built"}
    init: true
    command: [httpd, -f, -p, "8000", -h, /etc]
    ports: ["127.0.0.1:@PORT:8000"]
    environment: {LEVEL: "${LEVEL:-info}", ODD: "a $$b 'c' \\"d\\" # e"}
    networks: [default, back]
    configs: [{source: inline, target: /etc/inline}]
    depends_on: {migrate: {condition: service_completed_successfully}, db: {condition: service_healthy, restart: true}}
    labels: {team: a, "odd.label": "x=y"}
    stop_grace_period: 0s
  worker:
    image: busybox:1.37
    init: true
    command: sleep 1000
    deploy: {replicas: 2, resources: {limits: {memory: 32m}}}
    networks: [back]
    ulimits: {nofile: 1024}
    stop_grace_period: 0s
  side:
    image: busybox:1.37
    init: true
    command: [sleep, "1000"]
    network_mode: service:db
    stop_grace_period: 0s
  tools: {image: "busybox:1.37", command: ["true"], profiles: [tools]}
volumes: {data: {labels: {keep: "yes"}}}
networks: {back: {}}
secrets: {file: {file: ./secret}, variable: {environment: HUSH}}
configs: {inline: {content: "level ${LEVEL:-info}\\n"}}
"""
FILES = {"compose.yaml": FILE, "secret": "s\n", "conf/x": "1", ".env": "HUSH=hush-hush\n"}
ALL = {"db-1", "migrate-1", "web-1", "worker-1", "worker-2", "side-1"}
UP = {"db": "healthy", "migrate": "completed", "web": "running", "worker": "running", "side": "running"}


def ready(shop: Checkout) -> bool:
    return set(shop.ids()) == ALL and all(
        c.running or (c.service == "migrate" and c.exit_code == 0) for c in shop.containers().values()
    )


@pytest.fixture(scope="module")
def ours(standing: MakeCheckout, sdk: docker.DockerClient) -> Iterator[Checkout]:
    """A stack that `devstack up` made."""
    shop = standing(FILES)
    assert states(shop.devstack("up", "--json")) == UP
    yield shop
    compose(shop.folder, "down", "-v")
    sdk.images.remove(f"{shop.name}-web", force=True)


@pytest.fixture(scope="module")
def theirs(standing: MakeCheckout, sdk: docker.DockerClient) -> Iterator[Checkout]:
    """A stack that `docker compose up -d` made."""
    shop = standing(FILES)
    compose(shop.folder, "up", "-d")
    wait_for(lambda: ready(shop))
    yield shop
    shop.devstack("down")
    sdk.images.remove(f"{shop.name}-web", force=True)


class TestAfterDevstackUp:
    def test_ps_lists_every_container_with_its_health(self, ours: Checkout) -> None:
        lines = compose(ours.folder, "ps", "-a", "--format", "json").stdout.splitlines()
        seen = {item["Name"].removeprefix(f"{ours.name}-"): item for item in map(json.loads, lines)}
        assert set(seen) == ALL
        # An engine without a fast start cadence may not have probed yet.
        soon = ("healthy",) if ours.engine.info.fast_health else ("healthy", "starting")
        assert seen["db-1"]["Health"] in soon and seen["db-1"]["State"] == "running"
        assert (seen["migrate-1"]["State"], seen["migrate-1"]["ExitCode"]) == ("exited", 0)
        assert seen["web-1"]["Publishers"][0]["PublishedPort"] == ours.port

    def test_ls_shows_it_with_its_file(self, ours: Checkout) -> None:
        listed = {item["Name"]: item for item in json.loads(compose(ours.folder, "ls", "-a", "--format", "json").stdout)}
        assert listed[ours.name]["ConfigFiles"] == str(ours.folder / "compose.yaml")
        assert listed[ours.name]["Status"] == "exited(1), running(5)"

    def test_logs_port_exec_and_top_work(self, ours: Checkout) -> None:
        assert "db is up" in compose(ours.folder, "logs", "db").stdout
        assert compose(ours.folder, "port", "web", "8000").stdout == f"127.0.0.1:{ours.port}\n"
        assert compose(ours.folder, "exec", "-T", "db", "cat", "/run/secrets/file", "/run/v").stdout == "s\nhush-hush"
        assert compose(ours.folder, "exec", "-T", "web", "cat", "/built", "/etc/inline").stdout == "built\nlevel info\n"
        assert "sleep 1000" in compose(ours.folder, "top", "worker").stdout

    def test_up_recreates_nothing(self, ours: Checkout) -> None:
        before = ours.ids()
        told = compose(ours.folder, "up", "-d").stderr
        assert ours.ids() == before, told
        assert "Recreate" not in told
        wait_for(lambda: ready(ours))

    def test_what_compose_stops_and_pauses_devstack_says(self, ours: Checkout) -> None:
        compose(ours.folder, "stop", "worker")
        compose(ours.folder, "pause", "db")
        seen = states(ours.devstack("status", "--json"))
        assert seen["worker"].startswith("exited") and seen["db"] == "paused"
        before = ours.ids()
        after = states(ours.devstack("up", "--json"))
        if not ours.engine.info.fast_health:
            after["db"] = UP["db"]  # such an engine calls a container unhealthy after a pause until its own next probe
        assert after == UP
        assert ours.ids() == before

    def test_a_change_is_made_once_whoever_makes_it(self, ours: Checkout) -> None:
        before = ours.ids()
        compose(ours.folder, "up", "-d", LEVEL="debug")
        wait_for(lambda: ready(ours))
        changed = ours.ids()
        assert {name for name in ALL if changed[name] != before[name]} == {"web-1"}
        assert ours.devstack("up", LEVEL="debug").out.startswith("nothing to do")
        ours.devstack("up")
        assert "Recreate" not in compose(ours.folder, "up", "-d").stderr
        wait_for(lambda: ready(ours))

    def test_compose_runs_a_one_off_that_devstack_takes_for_one(self, ours: Checkout) -> None:
        compose(ours.folder, "run", "-d", "--no-deps", "worker", "sleep", "1000")
        assert states(ours.devstack("status", "--json")) == UP
        assert ours.devstack("up").out.startswith("nothing to do")
        ours.devstack("rm", "--stop", "--yes", "tools")
        (one_off,) = [c for c in ours.engine.containers(ours.name) if c.oneoff]
        ours.engine.remove(one_off.id)

    def test_down_with_volumes_leaves_nothing(self, ours: Checkout) -> None:
        compose(ours.folder, "down", "-v")
        left = ours.engine.observe(ours.name)
        assert (left.containers, left.networks, left.volumes) == ((), {}, {})
        assert states(ours.devstack("status", "--json")) == dict.fromkeys(UP, "absent")


class TestAfterComposeUp:
    def test_status_is_right(self, theirs: Checkout) -> None:
        wait_for(lambda: states(theirs.devstack("status", "--json")) == UP)
        (mine,) = [s for s in run("ls", "--json", cwd=theirs.folder).data["stacks"] if s["name"] == theirs.name]
        assert (mine["made_by"], mine["status"]) == ("compose", "exited(1), running(5)")
        assert mine["folder"] == str(theirs.folder)

    def test_up_recreates_nothing_and_runs_no_migration_again(self, theirs: Checkout) -> None:
        before, done = theirs.ids(), theirs.devstack("exec", "db", "cat", "/data/migrations").out
        assert theirs.devstack("up").out.startswith("nothing to do")
        assert theirs.ids() == before
        assert theirs.devstack("exec", "db", "cat", "/data/migrations").out == done
        assert theirs.devstack("up", "--plan").out.strip().endswith("nothing to do")

    def test_logs_port_exec_top_and_cp_work(self, theirs: Checkout) -> None:
        assert "db is up" in theirs.devstack("logs", "db").out
        assert theirs.devstack("port", "web", "8000").out == f"127.0.0.1:{theirs.port}\n"
        assert "sleep 1000" in theirs.devstack("top", "worker").out
        theirs.devstack("cp", "web:/built", "built")
        assert (theirs.folder / "built").read_text() == "built\n"
        assert theirs.devstack("run", "--rm", "--no-deps", "web", "cat", "/built").out == "built\n"

    def test_stop_start_and_restart_keep_the_containers(self, theirs: Checkout) -> None:
        before = theirs.ids()
        theirs.devstack("stop", "worker")
        assert {c.state for c in theirs.containers().values() if c.service == "worker"} == {State.EXITED}
        theirs.devstack("start", "worker")
        theirs.devstack("restart", "side")
        assert theirs.ids() == before and ready(theirs)

    def test_reset_empties_the_data_and_undo_brings_it_back(self, theirs: Checkout) -> None:
        theirs.devstack("exec", "db", "sh", "-c", "echo precious > /data/it")
        theirs.devstack("reset", "--yes")
        assert "it" not in theirs.devstack("exec", "db", "ls", "/data").out.split()
        theirs.devstack("undo", "--yes")
        assert theirs.devstack("exec", "db", "cat", "/data/it").out == "precious\n"
        assert "Recreate" not in compose(theirs.folder, "up", "-d").stderr

    def test_down_leaves_only_the_data(self, theirs: Checkout) -> None:
        theirs.devstack("down")
        left = theirs.engine.observe(theirs.name)
        assert (left.containers, left.networks) == ((), {})
        assert f"{theirs.name}_data" in left.volumes
        compose(theirs.folder, "up", "-d")
        wait_for(lambda: ready(theirs))
        assert theirs.devstack("exec", "db", "cat", "/data/it").out == "precious\n"


def test_a_volume_or_network_that_has_diverged_is_kept_and_said(checkout: MakeCheckout) -> None:
    """Compose asks whether to recreate the volume, and with -y its data is gone; it recreates the network without a question."""
    body = "name: @PROJECT\nservices: {a: {image: 'busybox:1.37', command: [sleep, '1000'], init: true, volumes: ['data:/data']}}\n"
    stack = checkout({"compose.yaml": body + "volumes: {data: {}}\nnetworks: {default: {}}\n"})
    compose(stack.folder, "up", "-d")
    stack.devstack("exec", "a", "sh", "-c", "echo precious > /data/it")
    before = stack.ids()
    stack.edit("compose.yaml", "data: {}", "data: {labels: {a: b}}")
    stack.edit("compose.yaml", "default: {}", "default: {labels: {a: b}}")
    ran = stack.devstack("up")
    assert f"volume {stack.name}_data was made with other settings and is kept" in ran.err
    assert f"network {stack.name}_default was made with other settings and is kept" in ran.err
    assert stack.ids() == before
    assert stack.devstack("exec", "a", "cat", "/data/it").out == "precious\n"
    stack.devstack("down")
    assert f"network {stack.name}_default" not in stack.devstack("up").err


def test_a_stack_of_the_same_name_from_another_folder_is_refused_with_both_paths(checkout: MakeCheckout) -> None:
    first = checkout(
        {"compose.yaml": "name: @PROJECT\nservices: {a: {image: 'busybox:1.37', command: [sleep, '1000'], init: true}}\n"}
    )
    compose(first.folder, "up", "-d")
    second = checkout({"compose.yaml": (first.folder / "compose.yaml").read_text()}, project=first.project, folder="elsewhere")
    ran = second.devstack("up", code=7)
    assert str(first.folder) in ran.err and str(second.folder) in ran.err and "--isolated" in ran.err
    assert first.engine.containers(first.project)[0].running


PINNED = """\
name: @PROJECT
services:
  a:
    image: busybox:1.37
    command: [httpd, -f, -p, "80", -h, /data]
    init: true
    container_name: @PROJECT-pinned
    ports: ["127.0.0.1:@PORT:80", "127.0.0.1::81"]
    volumes: [data:/data]
    environment: {ODD: "a $$b"}
    stop_grace_period: 0s
volumes: {data: {name: @PROJECT-data}}
"""


def test_isolated_gives_an_adopted_file_its_own_name_ports_and_data_for_compose_too(checkout: MakeCheckout) -> None:
    first = checkout({"compose.yaml": PINNED})
    first.devstack("up")
    first.devstack("exec", "a", "sh", "-c", "echo first > /data/it")
    text = (first.folder / "compose.yaml").read_text()
    second = checkout({"compose.yaml": text, ".env": "# mine\nA=1\n"}, project=first.project, folder="elsewhere")
    second.devstack("up", "--isolated")
    assert (second.folder / "compose.yaml").read_text() == text
    assert second.name != first.project and second.env()["A"] == "1"
    assert set(second.ids()) == {"a-1"} and len(first.ids()) == 1
    address = second.devstack("port", "a", "80").out.strip()
    assert address != first.devstack("port", "a", "80").out.strip() == f"127.0.0.1:{first.port}"
    second.devstack("exec", "a", "sh", "-c", "echo second > /data/it")
    assert first.devstack("exec", "a", "cat", "/data/it").out == "first\n"
    before = second.ids()
    assert second.devstack("up").out.startswith("nothing to do")
    compose(second.folder, "up", "-d")
    assert second.ids() == before
    assert compose(second.folder, "port", "a", "80").stdout.strip() == address
    compose(second.folder, "down", "-v")
    assert second.ids() == {} and len(first.ids()) == 1
    assert first.devstack("exec", "a", "cat", "/data/it").out == "first\n"


def test_isolated_changes_nothing_where_nobody_else_has_the_name(checkout: MakeCheckout) -> None:
    alone = checkout({"compose.yaml": PINNED})
    alone.devstack("up", "--isolated")
    assert [path.name for path in alone.folder.iterdir()] == ["compose.yaml"]
    assert alone.devstack("up", "--isolated", "-f", "compose.yaml").out.startswith("nothing to do")
