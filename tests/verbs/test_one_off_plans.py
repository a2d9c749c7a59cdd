"""What comes first when a one-off is to run, and when a done one-shot stays done: decided without an engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from devstack.compose.arguments import typed_mounts, typed_ports, typed_words
from devstack.compose.model import Attachment, Condition, Mount, Port
from devstack.engine.base import Health, State
from devstack.errors import UsageError
from devstack.one_off import OneOff, changed, needed, plan_needed
from devstack.plan.up import plan_up
from tests.stacks import container, observed, service, stack, volume_mount

DB = service("db", mounts=(volume_mount("data", "/data"),))
MIGRATE = service("migrate", needs=[("db", Condition.HEALTHY)], probe=False)
SEED = service("seed", needs=[("migrate", Condition.COMPLETED)], probe=False)
APP = service("app", needs=[("seed", Condition.COMPLETED)], ports=(Port(80, "8080"),))
SHOP = stack(DB, MIGRATE, SEED, APP, volumes=["data"])
DONE = {"state": State.EXITED, "exit_code": 0, "health": Health.NONE}


def test_one_shots_that_are_done_stay_done_also_in_a_row() -> None:
    """`migrate` is only waited for by `seed`, which is done itself."""
    seen = observed(
        SHOP, container(SHOP, DB), container(SHOP, MIGRATE, **DONE), container(SHOP, SEED, **DONE), container(SHOP, APP)
    )
    assert plan_up(SHOP, seen).changes == ()
    without_app = observed(SHOP, container(SHOP, DB), container(SHOP, MIGRATE, **DONE), container(SHOP, SEED, **DONE))
    keys = [step.key for step in plan_up(SHOP, without_app).changes]
    assert "start:app-1" in keys and "start:seed-1" in keys


def test_what_a_one_off_needs_is_planned_and_the_service_itself_is_let_be() -> None:
    nothing = observed(SHOP, networks=False, volumes=False, images=False)
    keys = [step.key for step in plan_needed(SHOP, nothing, "app").changes]
    assert {"image:app:1", "network:default", "volume:data", "create:db-1", "start:seed-1"} <= set(keys)
    assert not [key for key in keys if "app-1" in key]
    old = replace(container(SHOP, APP), labels={}, state=State.EXITED)
    seen = observed(SHOP, container(SHOP, DB), container(SHOP, MIGRATE, **DONE), container(SHOP, SEED, **DONE), old)
    assert plan_needed(SHOP, seen, "app").changes == ()


def test_without_dependencies_only_what_it_is_made_of_comes_first() -> None:
    nothing = observed(SHOP, networks=False, volumes=False, images=False)
    assert {step.key for step in plan_needed(SHOP, nothing, "app", no_deps=True).changes} == {"image:app:1", "network:default"}
    assert needed(SHOP, "app") == ("db", "migrate", "seed")


def test_a_one_off_has_no_ports_and_no_address_of_its_own_unless_asked_for() -> None:
    place = Attachment(network="default", aliases=("a",), ipv4_address="10.0.0.9", mac_address="02:00:00:00:00:01")
    web = service("web", ports=(Port(80, "8080"),), networks=(place,), mac_address="02:00:00:00:00:02", container_name="web")
    plain = changed(web, OneOff(service="web"))
    assert plain.ports == () and plain.container_name == "" and plain.mac_address == ""
    assert plain.networks == (Attachment(network="default", aliases=("a",)),)
    assert changed(web, OneOff(service="web", service_ports=True)).ports == web.ports


def test_another_entrypoint_drops_the_command_that_was_meant_for_the_own_one() -> None:
    web = service("web", entrypoint=("run",), command=("server",))
    assert changed(web, OneOff(service="web", entrypoint=("sh",))).command == ()
    both = changed(web, OneOff(service="web", entrypoint=("sh",), command=("-c", "x")))
    assert (both.entrypoint, both.command) == (("sh",), ("-c", "x"))


def test_a_mount_that_is_typed_takes_the_place_of_the_one_at_its_target() -> None:
    web = service("web", mounts=(volume_mount("data", "/data"), volume_mount("more", "/more")))
    mine = Mount(type="bind", source="/here", target="/data")
    assert changed(web, OneOff(service="web", mounts=(mine,))).mounts == (volume_mount("more", "/more"), mine)


def test_typed_ports_are_on_this_machine_only_unless_an_address_is_typed(tmp_path: Path) -> None:
    assert [(p.host_ip, p.published, p.target) for p in typed_ports(["8080:80", "0.0.0.0:81:81", "53:53/udp"])] == [
        ("127.0.0.1", "8080", 80),
        ("0.0.0.0", "81", 81),
        ("127.0.0.1", "53", 53),
    ]
    (bind, named) = typed_mounts(["./x:/x:ro", "data:/data"], tmp_path)
    assert (bind.type, bind.source, bind.read_only) == ("bind", str(tmp_path / "x"), True)
    assert (named.type, named.source) == ("volume", "data")
    for wrong in (["http:80"], ["1:2:3:4"], ["70000:1"]):
        with pytest.raises(UsageError, match="-p"):
            typed_ports(wrong)
    with pytest.raises(UsageError, match="-v"):
        typed_mounts(["aa:bb:cc:dd"], tmp_path)


def test_an_entrypoint_is_split_into_words() -> None:
    assert typed_words("sh -c 'a b'", "--entrypoint") == ("sh", "-c", "a b")
    for wrong in ("sh 'open", "a | b"):
        with pytest.raises(UsageError, match="--entrypoint"):
            typed_words(wrong, "--entrypoint")
