"""`devstack watch` on the real engine: every action of `develop.watch`, and a first sync."""

from __future__ import annotations

import json
import queue
import signal
import threading
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from tests.scenarios.checkout import Checkout
from tests.scenarios.conftest import MakeCheckout

FILE = """\
name: @PROJECT
services:
  web:
    build: {dockerfile_inline: "FROM busybox:1.37\\nCOPY src /app\\nCOPY lock /lock"}
    command: [sleep, "1000"]
    init: true
    stop_grace_period: 0s
    develop:
      watch:
        - {action: sync, path: ./src, target: /app, ignore: ["*.tmp"]}
        - {action: sync+restart, path: ./conf, target: /conf}
        - {action: sync+exec, path: ./hook, target: /hook, exec: {command: sh -c "cat /hook/* > /ran"}}
        - {action: restart, path: ./touch}
        - {action: rebuild, path: ./lock}
  side:
    image: busybox:1.37
    command: [sleep, "1000"]
    init: true
    stop_grace_period: 0s
"""
FILES = {"compose.yaml": FILE, "src/a": "1", "src/old": "x", "conf/c": "1", "hook/h": "1", "touch": "1", "lock": "1"}


class Watch:
    """A `devstack watch --json` under way; its lines come with a deadline."""

    def __init__(self, shop: Checkout, *options: str) -> None:
        self.shop = shop
        self.process = shop.begin("watch", "--json", *options)
        self.lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.said: list[str] = []
        for pump in (self._pump, self._listen):
            threading.Thread(target=pump, daemon=True).start()

    def _pump(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)

    def next(self) -> dict[str, Any]:
        found = self.lines.get(timeout=60)
        assert found is not None, "".join(self.said)
        return found

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def shop(standing: MakeCheckout, sdk: docker.DockerClient) -> Iterator[Checkout]:
    made = standing(FILES)
    yield made
    made.devstack("down")
    sdk.images.remove(f"{made.name}-web", force=True)


@pytest.fixture(scope="module")
def watch(shop: Checkout) -> Iterator[Watch]:
    found = Watch(shop)
    first = found.next()
    assert first["ok"] and first["data"]["changed"], first
    sync = found.next()
    assert sync["action"] == "first sync" and sync["error"] is None
    yield found
    if found.process.poll() is None:
        assert found.end() == 130


def inside(shop: Checkout, script: str) -> str:
    result = shop.engine.exec(shop.containers()["web-1"].id, ["sh", "-c", script])
    assert result.exit_code == 0, result
    return result.text


def started(shop: Checkout) -> float:
    detail = shop.engine.inspect(shop.containers()["web-1"].id).detail
    assert detail is not None
    return detail.started_at


def test_what_stands_here_is_in_the_containers_from_the_beginning(shop: Checkout, watch: Watch) -> None:
    """`conf` and `hook` are not in the image."""
    assert inside(shop, "cat /app/a /conf/c /hook/h") == "111"


def test_sync_brings_changed_files_and_takes_removed_ones_away(shop: Checkout, watch: Watch) -> None:
    before = shop.ids(), started(shop)
    shop.write({"src/a": "2", "src/deep/new": "3", "src/x.tmp": "no"})
    (shop.folder / "src/old").unlink()
    told = watch.next()
    assert (told["service"], told["action"], told["error"]) == ("web", "sync", None)
    assert set(told["files"]) == {"src/a", "src/deep/new", "src/old"} and told["removed"] == ["/app/old"]
    assert inside(shop, "cat /app/a /app/deep/new; ls /app") == "23" + "a\ndeep\n"
    assert (shop.ids(), started(shop)) == before


def test_sync_restart(shop: Checkout, watch: Watch) -> None:
    ids, before = shop.ids(), started(shop)
    shop.write({"conf/c": "2"})
    assert watch.next()["action"] == "sync+restart"
    assert started(shop) > before and shop.ids() == ids
    assert inside(shop, "cat /conf/c") == "2"


def test_sync_exec(shop: Checkout, watch: Watch) -> None:
    before = started(shop)
    shop.write({"hook/h": "22"})
    assert watch.next()["action"] == "sync+exec"
    assert inside(shop, "cat /ran") == "22" and started(shop) == before


def test_restart(shop: Checkout, watch: Watch) -> None:
    before = started(shop)
    shop.write({"touch": "22"})
    assert watch.next()["action"] == "restart"
    assert started(shop) > before


def test_rebuild_makes_the_service_again_and_only_that(shop: Checkout, watch: Watch) -> None:
    before = shop.ids()
    shop.write({"lock": "2"})
    told = watch.next()
    assert told["action"] == "rebuild" and told["error"] is None, told
    after = shop.ids()
    assert after["web-1"] != before["web-1"] and after["side-1"] == before["side-1"]
    assert inside(shop, "cat /lock /app/a") == "22"
    assert inside(shop, "cat /conf/c /hook/h") == "222", "what only a sync brings is there again"


def test_a_failure_is_told_and_watching_goes_on(shop: Checkout, watch: Watch) -> None:
    shop.engine.stop(shop.containers()["web-1"].id, 0)
    shop.write({"src/a": "later"})
    told = watch.next()
    assert told["error"] is not None and "web does not run" in told["error"]
    shop.engine.start(shop.containers()["web-1"].id)
    shop.write({"src/a": "latest"})
    assert watch.next()["error"] is None
    assert inside(shop, "cat /app/a") == "latest"


def test_ctrl_c_ends_it_and_leaves_the_stack_up(shop: Checkout, watch: Watch) -> None:
    assert watch.end() == 130
    assert shop.is_healthy()


def test_nothing_to_watch_starts_nothing(shop: Checkout) -> None:
    shop.write({"bare/compose.yaml": "services: {a: {image: 'busybox:1.37', command: [sleep, '1000']}}\n"})
    ran = shop.devstack("watch", "-f", "bare/compose.yaml", code=2)
    assert "no service has a `develop.watch`" in ran.err
    assert not shop.engine.containers("bare")
