"""`verify` and `doctor`: a sound stack passes and is not touched, an unsound one fails with what was seen, nothing is left."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from devstack import labels
from tests.scenarios.checkout import Checkout, Ran, finish, kill, wait_for
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import PAIR, SHOP, one


def results(ran: Ran) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ran.data["results"]
    return found


def failures(ran: Ran) -> list[dict[str, Any]]:
    """What failed the verify: warnings are shown, and fail nothing."""
    return [result for result in results(ran) if result["status"] == "fail" and result["severity"] == "error"]


def twins(stack: Checkout) -> list[str]:
    """Everything on the engine that belongs to a copy of this stack."""
    found = [c.name for c in stack.engine.containers() if c.project.startswith(f"{stack.name}-verify-")]
    return found + [v.name for v in stack.engine.volumes(labels.TWIN) if v.name.startswith(stack.name)]


@pytest.fixture(scope="module")
def shop(standing: MakeCheckout) -> Checkout:
    made = standing(SHOP)
    made.devstack("up")
    made.sql("insert into note (body) values ('mine')")
    return made


def test_a_sound_stack_passes_and_is_not_touched(shop: Checkout) -> None:
    before, volumes = shop.ids(), shop.volumes()
    started = {name: shop.engine.inspect(c).detail.started_at for name, c in before.items()}  # type: ignore[union-attr]
    ran = shop.devstack("verify", "--json", timeout=180)
    assert failures(ran) == []
    checks = {"files", "start", "health", "reach", "credentials", "logs", "schema", "data", "clean"}
    assert {result["check"] for result in results(ran)} >= checks
    assert shop.ids() == before and shop.volumes() == volumes
    assert {name: shop.engine.inspect(c).detail.started_at for name, c in before.items()} == started  # type: ignore[union-attr]
    assert shop.rows() == "mine"
    assert shop.sql("select count(*) from pg_namespace where nspname = 'devstack_probe'") == "0"
    assert twins(shop) == []


def test_a_stack_that_is_down_is_verified_and_stays_down(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    ran = pair.devstack("verify")
    assert "0 failed" in ran.out
    assert pair.ids() == {} and twins(pair) == []


def test_a_volume_at_the_wrong_place_fails_with_what_was_seen(checkout: MakeCheckout) -> None:
    """The program keeps its data beside the volume that was meant for it, as a custom image may."""
    wrong = """\
name: @PROJECT
services:
  db:
    image: postgres:17
    init: true
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: sesame-open, POSTGRES_DB: shop, PGDATA: /elsewhere/data}
    volumes: [data:/elsewhere]
    entrypoint: [sh, -c, "export PGDATA=/var/lib/postgresql/other; exec docker-entrypoint.sh postgres"]
    ports: ["@PORT:5432"]
    healthcheck: {test: [CMD, pg_isready, -h, 127.0.0.1, -U, shop], interval: 2s, start_period: 60s}
volumes: {data: {}}
"""
    ran = checkout({"devstack.yml": wrong}).devstack("verify", "--json", "--only", "data", code=3, timeout=180)
    [failure] = failures(ran)
    assert failure["id"] == "data.persists.data" and failure["expected"] and failure["saw"]


def test_a_service_on_the_wrong_port_fails(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.edit("devstack.yml", f'"{pair.port}:8000"', f'"{pair.port}:8001"')
    ran = pair.devstack("verify", "--json", code=3)
    [failure] = failures(ran)
    assert failure["check"] == "reach" and "8001" in failure["title"] + failure["expected"]
    text = pair.devstack("verify", code=3).out
    assert "✗ reach" in text and "expected" in text and "saw" in text and "1 failed" in text


def test_a_service_that_crashes_soon_after_its_start_fails(checkout: MakeCheckout) -> None:
    ran = checkout(one('command: [sh, -c, "sleep 1.6; echo out of luck; exit 4"]')).devstack("verify", "--json", code=3)
    assert failures(ran)
    assert any("4" in str(failure) for failure in failures(ran))


def test_a_service_that_never_starts_fails_with_its_last_lines(checkout: MakeCheckout) -> None:
    stack = checkout(one('command: [sh, -c, "echo no key found; exit 3"]'))
    ran = stack.devstack("verify", "--json", code=3)
    [failure] = failures(ran)
    assert failure["check"] == "start" and "no key found" in str(failure["evidence"])
    assert twins(stack) == []


def test_ctrl_c_during_verify_leaves_nothing(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    process = pair.begin("verify")
    wait_for(lambda: bool(twins(pair)))
    process.send_signal(signal.SIGINT)
    ran = finish(process)
    assert ran.code == 130, ran
    assert "the twin is taken away" in ran.err
    assert twins(pair) == []


def test_what_a_killed_verify_left_is_named_by_doctor_and_swept_by_the_next(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    process = pair.begin("verify")
    wait_for(lambda: bool(twins(pair)))
    kill(process)
    left = twins(pair)
    assert left
    assert f"{pair.name}-verify-" in pair.devstack("doctor", code=None).out
    ran = pair.devstack("verify")
    assert "swept" in ran.err
    assert twins(pair) == []


def test_doctor_tells_about_engine_disk_and_ports(shop: Checkout) -> None:
    ran = shop.devstack("doctor")
    assert "engine" in ran.out and "disk" in ran.out and "GiB free" in ran.out
    assert "✗" not in ran.out
    document = shop.devstack("doctor", "--json").document
    assert document["ok"] is True
    assert all(finding["fix"] for finding in document["data"]["findings"] if finding["state"] != "ok")


def test_doctor_without_an_engine_says_how_to_get_one(shop: Checkout) -> None:
    ran = shop.devstack("doctor", code=1, DOCKER_HOST="unix:///nonexistent.sock")
    assert "✗ engine" in ran.out and "/nonexistent.sock" in ran.out and "fix:" in ran.out
