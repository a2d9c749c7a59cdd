"""What somebody does to a stack by hand, the next `up` mends, and leaves the rest alone."""

from __future__ import annotations

from collections.abc import Callable

import docker
import pytest

from devstack.engine.base import State
from tests.scenarios.checkout import Checkout
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import DATABASE, PAIR


@pytest.fixture(scope="module")
def pair(standing: MakeCheckout) -> Checkout:
    made = standing(PAIR)
    made.devstack("up")
    return made


@pytest.fixture
def healthy(pair: Checkout) -> Checkout:
    """The pair as it was after `up`, whatever the test before did."""
    if not pair.is_healthy() or set(pair.ids()) != {"app-1", "side-1"}:
        pair.devstack("up")
    return pair


def test_a_stopped_container_is_started_again(healthy: Checkout) -> None:
    before = healthy.ids()
    healthy.engine.stop(before["app-1"])
    ran = healthy.devstack("up", "--plan")
    assert "it is stopped" in ran.out and healthy.devstack("up", "--dry-run").out == ran.out
    healthy.devstack("up", "-d", "--wait")
    assert healthy.is_healthy() and healthy.ids() == before


def test_a_removed_container_is_made_again(healthy: Checkout) -> None:
    before = healthy.ids()
    healthy.engine.remove(before["app-1"])
    healthy.devstack("up")
    after = healthy.ids()
    assert healthy.is_healthy() and after["side-1"] == before["side-1"] and after["app-1"] != before["app-1"]


def test_a_paused_container_goes_on(healthy: Checkout) -> None:
    before = healthy.ids()
    healthy.engine.pause(before["side-1"])
    healthy.devstack("up")
    assert healthy.containers()["side-1"].state is State.RUNNING
    assert healthy.is_healthy() and healthy.ids() == before


def test_a_renamed_container_gets_its_name_back(healthy: Checkout) -> None:
    before = healthy.ids()
    healthy.engine.rename(before["app-1"], f"{healthy.name}-by-hand")
    healthy.devstack("up")
    assert healthy.ids() == before


def test_a_removed_network_is_made_again_with_everybody_on_it(healthy: Checkout, sdk: docker.DockerClient) -> None:
    name = f"{healthy.name}_default"
    network = sdk.networks.get(name)
    for identity in healthy.ids().values():
        network.disconnect(identity, force=True)
    network.remove()
    healthy.devstack("up")
    assert healthy.is_healthy()
    assert all(name in c.networks for c in healthy.containers().values())
    assert healthy.devstack("exec", "app", "ping", "-c", "1", "-W", "3", "side").code == 0


def test_a_container_taken_off_its_network_is_put_back(healthy: Checkout, sdk: docker.DockerClient) -> None:
    name = f"{healthy.name}_default"
    sdk.networks.get(name).disconnect(healthy.ids()["side-1"], force=True)
    healthy.devstack("up")
    assert healthy.is_healthy() and name in healthy.containers()["side-1"].networks


def test_killed_containers_are_started_again(healthy: Checkout) -> None:
    for identity in healthy.ids().values():
        healthy.engine.kill(identity)
    healthy.devstack("up")
    assert healthy.is_healthy()


def test_a_container_of_a_service_that_is_gone_is_named_and_left_until_it_is_asked_for(
    healthy: Checkout, request: pytest.FixtureRequest
) -> None:
    text = (healthy.folder / "devstack.yml").read_text()
    restore: Callable[[], object] = lambda: (healthy.folder / "devstack.yml").write_text(text)  # noqa: E731
    request.addfinalizer(restore)
    healthy.write({"devstack.yml": text + "  old: {image: 'busybox:1.37', command: [sleep, '1000'], init: true}\n"})
    healthy.devstack("up")
    restore()
    assert f"{healthy.name}-old-1" in healthy.devstack("up").err
    assert "old-1" in healthy.ids()
    healthy.devstack("up", "--remove-orphans")
    assert set(healthy.ids()) == {"app-1", "side-1"}


def test_a_strangers_container_of_our_name_is_named_and_left_alone(checkout: MakeCheckout, sdk: docker.DockerClient) -> None:
    stack = checkout(PAIR)
    stranger = sdk.containers.create("busybox:1.37", ["sleep", "1000"], name=f"{stack.project}-app-1")
    try:
        ran = stack.devstack("up", code=1)
        assert f"{stack.project}-app-1" in ran.err
        stranger.reload()
        assert stranger.status == "created"
    finally:
        stranger.remove(force=True)
    stack.devstack("up")
    assert stack.is_healthy()


def test_a_network_that_is_somebody_elses_must_be_there_and_stays(checkout: MakeCheckout, sdk: docker.DockerClient) -> None:
    stack = checkout(PAIR)
    name = f"{stack.project}-shared"
    stack.edit("devstack.yml", "  side:\n", "  side:\n    networks: [default, shared]\n")
    text = (stack.folder / "devstack.yml").read_text()
    stack.write({"devstack.yml": f"{text}networks: {{shared: {{external: true, name: {name}}}}}\n"})
    ran = stack.devstack("up", code=1)
    assert name in ran.err and f"docker network create {name}" in ran.err
    assert stack.ids() == {}
    sdk.networks.create(name)
    stack.devstack("up")
    assert name in stack.containers()["side-1"].networks
    stack.devstack("down")
    assert [network.name for network in sdk.networks.list(names=[name])] == [name]


def test_a_volume_removed_by_hand_is_made_again_and_its_schema_applied(checkout: MakeCheckout) -> None:
    stack = checkout(DATABASE)
    stack.devstack("up")
    stack.devstack("down")
    stack.engine.remove_volume(f"{stack.name}_db-data")
    stack.devstack("up")
    assert stack.rows() == "" and stack.is_healthy()
