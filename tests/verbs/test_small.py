"""The small verbs, on containers that devstack made."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator

import pytest

from devstack.engine.base import State
from tests.scenarios.checkout import Checkout, finish, run, wait_for
from tests.scenarios.conftest import MakeCheckout

FILE = """\
name: @PROJECT
services:
  web:
    image: busybox:1.37
    init: true
    command: [sleep, "1000"]
    ports: ["127.0.0.1:@PORT:80", "127.0.0.1::53/udp"]
    volumes: [data:/data]
    stop_grace_period: 0s
  twin:
    image: busybox:1.37
    command: [sh, -c, "trap 'exit 3' HUP; sleep 1000 & wait"]
    deploy: {replicas: 2}
    stop_grace_period: 0s
volumes: {data: {}}
"""


@pytest.fixture(scope="module")
def shop(standing: MakeCheckout) -> Iterator[Checkout]:
    made = standing({"compose.yaml": FILE})
    made.devstack("up")
    yield made


@pytest.fixture(autouse=True)
def up_again(shop: Checkout) -> Iterator[None]:
    """Every test finds all three containers running."""
    yield
    if not all(c.running for c in shop.containers().values()) or len(shop.containers()) != 3:
        shop.devstack("up")


def test_port_says_where_a_port_is_published(shop: Checkout) -> None:
    assert shop.devstack("port", "web", "80").out == f"127.0.0.1:{shop.port}\n"
    udp = shop.devstack("port", "web", "53/udp").out
    assert udp == shop.devstack("port", "--protocol", "udp", "web", "53").out
    assert udp.startswith("127.0.0.1:") and udp.strip() != f"127.0.0.1:{shop.port}"
    assert shop.devstack("port", "web", "80", "--json").data == {"addresses": [f"127.0.0.1:{shop.port}"]}
    ran = shop.devstack("port", "web", "81", code=1)
    assert "does not publish 81/tcp" in ran.err and "53/udp" in ran.err
    shop.devstack("port", "web", "http", code=2)


def test_top_lists_the_processes_of_every_container(shop: Checkout) -> None:
    seen = shop.devstack("top", "--json").data["containers"]
    assert [item["container"] for item in seen] == [f"{shop.name}-twin-1", f"{shop.name}-twin-2", f"{shop.name}-web-1"]
    assert any(process["CMD"] == "sleep 1000" for process in seen[2]["processes"])
    text = shop.devstack("top", "web").out
    assert "sleep 1000" in text and "twin" not in text


def test_images_are_those_the_containers_were_made_from(shop: Checkout) -> None:
    seen = shop.devstack("images", "--json").data["images"]
    image = shop.engine.image("busybox:1.37")
    assert image is not None
    assert {item["container"] for item in seen} == {c.name for c in shop.containers().values()}
    assert {(item["image"], item["id"], item["size"]) for item in seen} == {("busybox:1.37", image.id, image.size)}
    assert image.size > 100_000
    assert "busybox" in shop.devstack("images", "web").out


def test_kill_sends_the_signal(shop: Checkout) -> None:
    shop.devstack("kill", "-s", "SIGHUP", "twin")
    wait_for(lambda: [c.exit_code for c in shop.containers().values() if c.service == "twin"] == [3, 3])
    assert shop.containers()["web-1"].running
    shop.devstack("kill", "web")
    wait_for(lambda: shop.containers()["web-1"].exit_code == 137)
    assert "nothing to do" in shop.devstack("kill", "web").out
    assert shop.devstack("kill", "-s", "no signal", "web", code=2)


def test_pause_and_unpause(shop: Checkout) -> None:
    assert shop.devstack("pause", "web", "--json").data == {"paused": [f"{shop.name}-web-1"]}
    assert shop.containers()["web-1"].state is State.PAUSED
    assert shop.containers()["twin-1"].state is State.RUNNING
    shop.devstack("unpause")
    assert shop.containers()["web-1"].state is State.RUNNING


def test_wait_gives_the_exit_codes_of_all_that_ends(shop: Checkout) -> None:
    process = shop.begin("wait", "twin", "--json")
    with shop.engine.watch(shop.name):
        assert process.poll() is None
    for name in ("twin-1", "twin-2"):
        shop.engine.kill(shop.containers()[name].id, "HUP")
    ran = finish(process)
    assert ran.code == 3
    assert ran.data == {"exit_codes": {f"{shop.name}-twin-1": 3, f"{shop.name}-twin-2": 3}}


def test_wait_for_what_has_ended_already_answers_at_once(shop: Checkout) -> None:
    """Compose says that there is no such container."""
    shop.engine.kill(shop.containers()["twin-1"].id, "HUP")
    shop.engine.kill(shop.containers()["twin-2"].id, "HUP")
    wait_for(lambda: not any(c.running for c in shop.containers().values() if c.service == "twin"))
    ran = shop.devstack("wait", "twin", code=3)
    assert ran.out == f"{shop.name}-twin-1 exited with code 3\n{shop.name}-twin-2 exited with code 3\n"


def test_rm_removes_only_what_is_stopped_and_only_when_agreed_to(shop: Checkout) -> None:
    shop.devstack("kill", "web")
    shop.devstack("wait", "web", code=137)
    refused = shop.devstack("rm", code=7)
    assert f"{shop.name}-web-1" in refused.err
    assert "web-1" in shop.containers()
    assert shop.devstack("rm", "--yes", "--json").data == {"removed": [f"{shop.name}-web-1"]}
    assert set(shop.containers()) == {"twin-1", "twin-2"}
    assert shop.volumes() == {f"{shop.name}_data"}
    assert "nothing to do" in shop.devstack("rm", "-y").out
    shop.devstack("rm", "--stop", "--yes", "twin")
    assert not shop.containers()


def test_ls_shows_every_stack_with_its_states_folder_and_files(shop: Checkout) -> None:
    shop.devstack("kill", "web")
    shop.devstack("wait", "web", code=137)
    (mine,) = [s for s in run("ls", "--json", cwd=shop.folder).data["stacks"] if s["name"] == shop.name]
    assert mine["status"] == "exited(1), running(2)"
    assert mine["folder"] == str(shop.folder) and mine["made_by"] == "devstack"
    assert mine["config_files"] == [str(shop.folder / "compose.yaml")]
    assert shop.name in run("ls", "-q", "--running", cwd=shop.folder).out.split()
    shop.devstack("down")
    assert shop.name not in run("ls", "-q", cwd=shop.folder).out.split()
    (mine,) = [s for s in run("ls", "--all", "--json", cwd=shop.folder).data["stacks"] if s["name"] == shop.name]
    assert mine["status"] == "down, 1 volume kept" and mine["folder"] == str(shop.folder)


def test_events_are_told_as_they_happen(shop: Checkout) -> None:
    process = shop.begin("events", "--json", "web")
    assert process.stderr is not None and process.stdout is not None
    assert process.stderr.readline().startswith("events")
    container = shop.containers()["web-1"].id
    shop.engine.kill(shop.containers()["twin-1"].id)
    shop.engine.kill(container, "KILL")
    seen = [json.loads(process.stdout.readline())]
    while seen[-1]["action"] != "die":
        seen.append(json.loads(process.stdout.readline()))
    assert {item["service"] for item in seen} == {"web"}
    assert seen[-1]["id"] == container
    assert seen[-1]["attributes"] == {"image": "busybox:1.37", "name": f"{shop.name}-web-1", "exitCode": "137"}
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(10) == 130
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    finally:
        process.stdout.close()
        process.stderr.close()
