"""`devstack run`: one command beside the containers that run, with what it needs up first."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from devstack import labels
from devstack.engine.base import Container
from tests.scenarios.checkout import Checkout, command, finish, surroundings, wait_for
from tests.scenarios.conftest import MakeCheckout
from tests.verbs.beside import beside_compose, compose

FILE = """\
name: @PROJECT
services:
  db:
    image: busybox:1.37
    init: true
    command: [sh, -c, "sleep 0.5; touch /shared/ready; exec sleep 1000"]
    volumes: [shared:/shared]
    healthcheck: {test: [CMD, test, -e, /shared/ready], interval: 2s}
    stop_grace_period: 0s
  migrate:
    image: busybox:1.37
    command: [sh, -c, "sleep 0.5; echo migrated >> /shared/log"]
    volumes: [shared:/shared]
    depends_on: {db: {condition: service_healthy}}
  app:
    image: busybox:1.37
    command: [sleep, "1000"]
    environment: {LEVEL: info}
    working_dir: /tmp
    ports: ["127.0.0.1:@PORT:80"]
    volumes: [shared:/shared]
    stop_grace_period: 0s
    depends_on: {migrate: {condition: service_completed_successfully}}
  lonely: {image: "busybox:1.37", command: [echo, own words], restart: always, profiles: [tools]}
volumes: {shared: {}}
"""


@pytest.fixture(scope="module")
def shop(standing: MakeCheckout) -> Iterator[Checkout]:
    yield standing({"compose.yaml": FILE})


def one_offs(shop: Checkout) -> list[Container]:
    return [c for c in shop.engine.containers(shop.name) if c.oneoff]


def test_what_it_needs_is_up_and_done_before_it_starts(shop: Checkout) -> None:
    ran = shop.devstack("run", "--rm", "app", "sh", "-c", "cat /shared/log; ls /shared/ready")
    assert ran.out == "migrated\n/shared/ready\n"
    assert set(shop.containers()) == {"db-1", "migrate-1"}
    assert not one_offs(shop)


def test_a_migration_that_is_done_is_not_run_again(shop: Checkout) -> None:
    assert shop.devstack("run", "--rm", "app", "cat", "/shared/log").out == "migrated\n"


def test_the_exit_code_is_that_of_the_command(shop: Checkout) -> None:
    shop.devstack("run", "--rm", "--no-deps", "app", "sh", "-c", "exit 42", code=42)


def test_streams_stay_apart_and_stdin_is_passed_on(shop: Checkout) -> None:
    text = "".join(f"line {number}\n" for number in range(20000))
    ran = shop.devstack("run", "--rm", "--no-deps", "-T", "app", "sh", "-c", "cat; echo told >&2", given=text)
    assert ran.out == text
    assert "told\n" in ran.err
    silent = shop.devstack("run", "--rm", "--no-deps", "--no-interactive", "app", "sh", "-c", "cat; echo end", given="unheard")
    assert silent.out == "end\n"


def test_what_is_asked_for_reaches_the_container(shop: Checkout) -> None:
    (shop.folder / "here").mkdir()
    (shop.folder / "here" / "file").write_text("from here\n")
    name = f"{shop.name}-mine"
    shown = "env; id -u; pwd; cat /there/file; sleep 1000"
    options = ["-e", "LEVEL=debug", "-e", "FROM_HERE", "-u", "7", "-w", "/etc", "-v", "./here:/there:ro", "-l", "a=b"]
    ran = shop.devstack(
        "run",
        "-d",
        "--no-deps",
        "--name",
        name,
        "--publish",
        "8099",
        "--entrypoint",
        "sh -c",
        *options,
        "app",
        shown,
        FROM_HERE="yes",
    )
    assert ran.out == f"{name}\n"
    (container,) = [shop.engine.inspect(c.id) for c in one_offs(shop)]
    wait_for(lambda: "from here" in [line.text for line in shop.engine.logs(container.id)])
    lines = [line.text for line in shop.engine.logs(container.id)]
    assert {"LEVEL=debug", "FROM_HERE=yes", "7", "/etc"} <= set(lines)
    (binding,) = container.bindings
    assert (binding.target, binding.host_ip) == (8099, "127.0.0.1")
    assert container.labels["a"] == "b"
    assert container.labels[labels.ONEOFF] == "True" and labels.NUMBER not in container.labels
    shop.engine.remove(container.id)


def test_the_service_s_own_command_runs_once_when_none_is_given(shop: Checkout) -> None:
    assert shop.devstack("run", "lonely").out == "own words\n"
    (container,) = [shop.engine.inspect(c.id) for c in one_offs(shop)]
    assert re.fullmatch(rf"{shop.name}-lonely-run-[0-9a-f]{{12}}", container.name)
    assert container.labels[labels.SLUG].startswith(container.name[-12:]) and len(container.labels[labels.SLUG]) == 64
    assert container.detail is not None and container.detail.restart_policy == "no"
    shop.devstack("rm", "--yes", "lonely")
    assert not one_offs(shop)


def test_the_service_s_ports_are_published_only_when_asked_for(shop: Checkout) -> None:
    shop.devstack("run", "-d", "--no-deps", "app")
    (plain,) = one_offs(shop)
    assert plain.bindings == ()
    shop.engine.remove(plain.id)
    shop.devstack("run", "-d", "--no-deps", "--service-ports", "app")
    (publishing,) = one_offs(shop)
    assert [b.published for b in publishing.bindings] == [shop.port]
    shop.engine.remove(publishing.id)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_no_container(shop: Checkout, number: signal.Signals) -> None:
    process = shop.begin("run", "--rm", "--no-deps", "app", "sh", "-c", "echo begun; exec sleep 1000")
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(number)
    assert finish(process).code == 130
    assert not one_offs(shop)


def test_a_program_that_is_not_there_leaves_no_container(shop: Checkout) -> None:
    ran = shop.devstack("run", "--rm", "--no-deps", "app", "no-such-program", code=1)
    assert "app cannot be started" in ran.err and "no-such-program" in ran.err
    assert not one_offs(shop)


def read_until_end(terminal: int, process: subprocess.Popen[bytes]) -> bytes:
    """All that a process shows on its terminal; one that does not end is ended."""
    seen, deadline = b"", time.monotonic() + 30
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            return seen
        if not piece:
            return seen
        seen += piece
    process.terminate()
    raise AssertionError(f"it did not end; it showed {seen!r}")


def test_a_terminal_here_is_a_terminal_there(shop: Checkout) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("run", "--rm", "--no-deps", "app", "sh"),
        cwd=shop.folder,
        env=surroundings(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, b"test -t 0 && echo it is one; exit 5\n")
    seen = read_until_end(ours, process)
    assert process.wait(10) == 5
    os.close(ours)
    assert b"\nit is one" in seen
    assert not one_offs(shop)


def test_status_and_up_do_not_mind_a_one_off_and_down_takes_it_away(shop: Checkout) -> None:
    """`docker compose down` leaves a running one-off, and then the network that it uses."""
    shop.devstack("run", "-d", "app")
    shop.devstack("up")
    assert set(shop.containers()) == {"db-1", "migrate-1", "app-1"}
    assert len(one_offs(shop)) == 1
    shop.devstack("down")
    assert not shop.engine.containers(shop.name) and not shop.engine.observe(shop.name).networks


@beside_compose
def test_compose_lists_it_as_a_one_off_of_its_own(shop: Checkout) -> None:
    shop.devstack("run", "-d", "--no-deps", "app")
    (container,) = one_offs(shop)
    assert container.name in compose(shop.folder, "ps", "-a", "--format", "{{.Name}}").stdout.split()
    compose(shop.folder, "down", "--remove-orphans")
    assert not shop.engine.containers(shop.name)
