"""Kill -9 of `verify` at many moments: the running stack stays as it is, and the next command leaves nothing of the twin.

    python -m tests.verify.kills [--moments N]      prints a table

A moment is a fraction of a whole run's time. After each kill: what of the twin was left, that the running stack's containers, their start times
and rows are the same, and that nothing of the twin is there after one more command, and no file of it beside the engine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker

from devstack import lock
from devstack.engine.base import Engine
from tests.scenarios.checkout import Checkout, kill, wait_for
from tests.verify.stacks import NOTE

STACK = {
    "devstack.yml": """\
name: @PROJECT
services:
  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}
  web:
    image: busybox:1.37
    init: true
    command: [httpd, -f, -p, "8000", -h, /srv]
    volumes: ["./page:/srv"]
    expose: ["8000"]
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, wget, -qO-, "http://127.0.0.1:8000/index.html"], interval: 2s}
schema: {service: db, files: ["db/*.sql"]}
verify:
  window: 500ms
  reload: [{service: web, file: page/index.html, replace: hello, with: goodbye}]
""",
    "db/001_note.sql": NOTE,
    "page/index.html": "hello\n",
}


@dataclass(frozen=True, slots=True)
class State:
    """The running stack: container ids with their start times, volumes, rows, and the page on the host."""

    containers: tuple[tuple[str, float], ...]
    volumes: frozenset[str]
    rows: str
    page: str


def state(stack: Checkout) -> State:
    found = []
    for container in stack.containers().values():
        detail = stack.engine.inspect(container.id).detail
        found.append((container.id, detail.started_at if detail else 0.0))
    page = (stack.folder / "page/index.html").read_text()
    return State(tuple(sorted(found)), frozenset(stack.volumes()), stack.rows(), page)


def twins(engine: Engine, project: str) -> list[str]:
    """Everything on the engine, and beside it, whose name is a twin's of the project."""
    sign = f"{project}-verify-"
    client = docker.DockerClient(base_url=engine.info.endpoint.url)
    try:
        found = [f"container {c.name}" for c in engine.containers() if c.project.startswith(sign) or c.name.startswith(sign)]
        found += [f"network {n.name}" for n in client.networks.list() if str(n.name).startswith(sign)]
        found += [f"volume {v.name}" for v in client.volumes.list() if str(v.name).startswith(sign)]
    finally:
        client.close()
    return found + [f"file {path.name}" for path in lock.folder().glob(f"{sign}*")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill: after how many seconds, what was left then, what after the next command, and whether the running stack is the same."""

    after: float
    left: tuple[str, ...]
    later: tuple[str, ...]
    same: bool
    next_command: str

    @property
    def good(self) -> bool:
        return self.same and not self.later


def kills(stack: Checkout, moments: int) -> Iterator[Kill]:
    """Kill at `moments` points of a run, spread over its whole time; the next command is `up` and `verify --only files` in turn."""
    begun = time.monotonic()
    stack.devstack("verify", timeout=300)
    whole = time.monotonic() - begun
    before = state(stack)
    for number in range(moments):
        after = 0.3 + (whole - 0.3) * number / moments
        process = stack.begin("verify")
        time.sleep(after)
        kill(process)
        time.sleep(0.5)  # what the engine was asked for last may still come
        left = twins(stack.engine, stack.name)
        words = ("up",) if number % 2 == 0 else ("verify", "--only", "files")
        stack.devstack(*words, timeout=120)
        yield Kill(
            after=after,
            left=tuple(left),
            later=tuple(twins(stack.engine, stack.name)),
            same=state(stack) == before,
            next_command=" ".join(words),
        )


def prepared(stack: Checkout) -> Checkout:
    """Up, healthy, with a row of somebody's own."""
    stack.devstack("up", timeout=180)
    stack.sql("insert into note (body) values ('mine')")
    wait_for(stack.is_healthy)
    return stack


def main(arguments: list[str]) -> int:
    from devstack.engine.docker import connect
    from devstack.engine.endpoint import resolve
    from tests.scenarios.conftest import checkouts

    moments = int(arguments[arguments.index("--moments") + 1]) if "--moments" in arguments else 20
    found = []
    with tempfile.TemporaryDirectory() as folder, checkouts(connect(resolve(None, {})), Path(folder)) as make:
        for one in kills(prepared(make(STACK)), moments):
            found.append(one)
            same = "unchanged" if one.same else "CHANGED"
            print(
                f"after {one.after:5.1f} s  left {len(one.left):>2}  then {one.next_command:<20} {len(one.later)} left  running stack {same}",
                flush=True,
            )
            for name in one.later:
                print(f"      still there: {name}", flush=True)
    print(f"\n{sum(one.good for one in found)} of {len(found)} kills: nothing left after the next command, running stack unchanged")
    return 0 if all(one.good for one in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
