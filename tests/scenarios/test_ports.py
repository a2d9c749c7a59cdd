"""Ports: checked before anything is made, the holder is named, and another one is kept."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from devstack import bring_up
from devstack.compose.load import Sources, load
from devstack.errors import PortTaken
from devstack.plan.up import UpOptions, plan_up
from tests.engine.native_home import home
from tests.scenarios.checkout import free_ports, listener
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import PAIR

NATIVE = {
    "devstack.yml": """\
name: @PROJECT
services:
  page: {image: "python:3.13-slim", command: [python, -m, http.server], ports: ["127.0.0.1:@PORT:8000"]}
"""
}


def test_a_port_held_by_a_process_is_named_and_nothing_is_created(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    with listener(pair.port):
        ran = pair.devstack("up", code=6)
    assert f"port {pair.port} on 127.0.0.1 is taken" in ran.err
    assert f"pid {os.getpid()}" in ran.err
    assert "wanted by   app (devstack.yml:3" in ran.err
    assert "devstack up --port app=" in ran.err
    observed = pair.engine.observe(pair.name)
    assert not observed.containers and not observed.networks and not observed.volumes


def test_a_port_held_by_another_stack_is_named_with_its_project(checkout: MakeCheckout) -> None:
    theirs = checkout(PAIR)
    theirs.devstack("up")
    mine = checkout(PAIR, port=theirs.port)
    ran = mine.devstack("up", "--json", code=6)
    error = ran.document["error"]
    assert error["code"] == "port-taken"
    assert f"{theirs.name}-app-1" in error["details"]["held by"] and theirs.name in error["details"]["held by"]
    assert mine.ids() == {}
    assert theirs.is_healthy()


def test_a_port_that_only_a_proxy_of_a_container_holds_is_not_to_be_freed_by_killing_the_proxy(checkout: MakeCheckout) -> None:
    theirs = checkout(PAIR)
    theirs.devstack("up")
    [holder] = theirs.containers()["app-1"].bindings
    mine = checkout(NATIVE, port=theirs.port)
    with home() as environment:
        ran = mine.devstack("up", code=6, **{name: environment[name] for name in ("DEVSTACK_NATIVE_HOME", "DEVSTACK_ENGINE")})
    assert "held by     docker-proxy" in ran.err and "kill" not in ran.err
    assert f"docker ps --filter publish={holder.published}" in ran.err


def test_a_proxy_of_a_container_that_is_just_ending_is_waited_for(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    serve = f"import socket, time; s = socket.socket(); s.bind(('127.0.0.1', {pair.port})); s.listen(); print(flush=True); time.sleep(1.2)"
    # As an engine's, which is the engine's own and no container of anybody's a moment before and after.
    given = {**os.environ, "PYTHONHOME": sys.base_prefix}  # it cannot find that by its name
    with subprocess.Popen(["docker-proxy", "-c", serve], executable=sys.executable, env=given, stdout=subprocess.PIPE) as proxy:
        assert proxy.stdout is not None and proxy.stdout.readline()
        pair.devstack("up")
    assert pair.is_healthy()


def test_a_port_of_a_container_that_a_killed_up_still_starts_is_its_own(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.devstack("up")
    pair.devstack("stop")
    stack = load(Sources(files=(pair.folder / "compose.yaml",), directory=pair.folder, environment=pair.env()))
    observed = bring_up.look(pair.engine, stack)
    plan = plan_up(stack, observed, UpOptions())
    pair.engine.start(pair.containers()["app-1"].id)
    bring_up.check_ports(pair.engine, stack, None, observed, plan)
    pair.devstack("stop")
    with listener(pair.port), pytest.raises(PortTaken):
        bring_up.check_ports(pair.engine, stack, None, observed, plan)


def test_the_port_that_is_proposed_is_free(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    with listener(pair.port), listener(pair.port + 1):
        ran = pair.devstack("up", code=6)
    proposed = re.search(r"--port app=(\d+)", ran.err)
    assert proposed and int(proposed[1]) > pair.port + 1


def test_another_port_is_kept(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    [other] = free_ports(1)
    with listener(pair.port):
        ran = pair.devstack("up", "--port", f"app={other}")
        assert f"http://localhost:{other}" in ran.out
        assert pair.env()["APP_PORT"] == str(other)
        assert pair.devstack("up").out.startswith("nothing to do")
    pair.devstack("down")
    pair.devstack("up")
    assert pair.containers()["app-1"].bindings[0].published == other


def test_ports_are_published_on_this_machine_only(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.devstack("up")
    assert {b.host_ip for b in pair.containers()["app-1"].bindings} == {"127.0.0.1"}


def test_doctor_names_who_holds_a_port(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    with listener(pair.port):
        ran = pair.devstack("doctor", "--json", code=1)
    [finding] = [f for f in ran.data["findings"] if f["subject"] == f"port {pair.port}"]
    assert finding["state"] == "bad" and f"pid {os.getpid()}" in finding["text"] and "--port app=" in finding["fix"]
    assert ran.document["ok"] is False


def test_a_service_may_be_changed_while_it_holds_its_own_port(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.devstack("up")
    pair.edit("devstack.yml", "LEVEL: info", "LEVEL: debug")
    pair.devstack("up")
    assert pair.is_healthy()
