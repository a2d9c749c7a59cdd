"""Where verify runs and which checks: on a twin, live, in place; --only, --skip, --fail-fast, --repeat, --timeout; criteria and own checks."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.engine.base import Engine
from tests.scenarios.checkout import Checkout, Ran, finish, kill, wait_for
from tests.scenarios.conftest import MakeCheckout, checkouts
from tests.scenarios.conftest import ground as ground
from tests.verify.kills import STACK, prepared, state, twins
from tests.verify.mutations import failures
from tests.verify.stacks import CACHE, PAGE, WEB

CRITERIA = """\
verify:
  checks:
    - {id: greeting, title: It says who it is, check: http, service: web, path: /hostname, status: 200}
  criteria:
    - {id: AC1, text: The page is there, check: greeting}
    - {id: AC2, text: The page is on its port, check: port, service: web, port: @PORT}
    - {id: AC3, text: The page greets, check: http, service: web, path: /hostname, contains: [good morning]}
    - {id: AC4, text: No secret is committed, check: files.secrets}
"""


@pytest.fixture
def make(ground: Engine, tmp_path: Path) -> Iterator[MakeCheckout]:
    with checkouts(ground, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shop(ground: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    with checkouts(ground, tmp_path_factory.mktemp("verify")) as made:
        yield prepared(made(STACK))


def ids(ran: Ran) -> set[str]:
    return {result["id"] for result in ran.data["results"]}


def test_live_looks_at_the_running_stack_and_changes_nothing(shop: Checkout) -> None:
    before = state(shop)
    ran = shop.devstack("verify", "--live", "--json")
    assert failures(ran) == [] and ran.data["mode"] == "live" and ran.data["subject"] == shop.name
    assert {"health.window", "reach.web.to.db", "credentials.db", "schema.applied.db.shop"} <= ids(ran)
    assert not {i for i in ids(ran) if i.startswith(("data", "clean", "health.recovery", "reload", "start.cold"))}
    assert state(shop) == before


def test_live_on_a_stack_that_is_down_says_so(make: MakeCheckout) -> None:
    ran = make({"devstack.yml": WEB}).devstack("verify", "--live", code=1)
    assert "does not run" in ran.err and "devstack up" in ran.err


def test_in_place_refuses_data_that_it_did_not_make(shop: Checkout) -> None:
    before = state(shop)
    ran = shop.devstack("verify", "--in-place", code=7)
    assert "has data that verify did not make" in ran.err and "--yes" in ran.err
    assert state(shop) == before


def test_in_place_on_a_fresh_machine_uses_the_declared_ports_and_leaves_nothing(make: MakeCheckout) -> None:
    cache = make({"devstack.yml": CACHE})
    ran = cache.devstack("verify", "--in-place", "--json", timeout=180)
    assert failures(ran) == [] and ran.data["subject"] == cache.name
    [reached] = [r for r in ran.data["results"] if r["id"] == "reach.cache.6379"]
    assert str(cache.port) in reached["expected"] and "declared" not in reached["expected"]
    assert cache.ids() == {} and cache.volumes() == set()


def test_in_place_with_yes_keeps_the_data(make: MakeCheckout) -> None:
    cache = make({"devstack.yml": CACHE})
    cache.devstack("up")
    container = next(iter(cache.ids().values()))
    assert cache.engine.exec(container, ["redis-cli", "set", "mine", "1"]).exit_code == 0
    ran = cache.devstack("verify", "--in-place", "--yes", "--json", timeout=180)
    assert failures(ran) == []
    assert [r["status"] for r in ran.data["results"] if r["id"] == "data.reset"] == ["skip"]
    container = next(iter(cache.ids().values()))
    assert cache.engine.exec(container, ["redis-cli", "keys", "*"]).text.split() == ["mine"]


def test_criteria_are_judged_by_what_they_rest_on(make: MakeCheckout) -> None:
    stack = make({"devstack.yml": WEB + CRITERIA})
    ran = stack.devstack("verify", "--json", "--only", "criteria", code=3)
    states = {c["id"]: c["status"] for c in ran.data["criteria"]}
    assert states == {"AC1": "pass", "AC2": "pass", "AC3": "fail", "AC4": "pass"}
    [failure] = failures(ran)
    assert failure["id"] == "criteria.AC3" and failure["criteria"] == ["AC3"] and failure["where"]["file"].endswith("devstack.yml")
    text = stack.devstack("verify", "--only", "AC2", "--only", "AC3", code=3).out
    assert "✓ AC2" in text and "✗ AC3" in text and "AC1" not in text


def test_only_and_skip_choose_by_name(make: MakeCheckout) -> None:
    stack = make({"devstack.yml": WEB})
    assert {i.partition(".")[0] for i in ids(stack.devstack("verify", "--json", "--only", "reach"))} == {"reach"}
    skipped = ids(stack.devstack("verify", "--json", "--skip", "files", "--skip", "health.recovery"))
    assert "health.window" in skipped and not any(i.startswith(("files", "health.recovery")) for i in skipped)
    ran = stack.devstack("verify", "--only", "reech", code=2)
    assert 'did you mean "reach"' in ran.err


def test_the_list_names_every_check_and_what_criteria_may_ask(make: MakeCheckout) -> None:
    stack = make({"devstack.yml": WEB + CRITERIA})
    text = stack.devstack("verify", "--list").out
    for word in ("data.persists", "greeting", "AC3", "reachable", "at_least", "python"):
        assert word in text
    document = stack.devstack("verify", "--list", "--json").data
    assert {probe["name"] for probe in document["probes"]} >= {"port", "http", "sql"}


def test_fail_fast_stops_at_the_first_failure(make: MakeCheckout) -> None:
    stack = make({"devstack.yml": WEB.replace("127.0.0.1:@PORT", "0.0.0.0:@PORT") + CRITERIA})
    ran = stack.devstack("verify", "--json", "--fail-fast", code=3)
    assert [failure["id"] for failure in failures(ran)] == ["files.ports"]
    assert not any(i.startswith("reach") for i in ids(ran))


def test_repeated_runs_are_one_report(make: MakeCheckout) -> None:
    stack = make({"devstack.yml": WEB})
    ran = stack.devstack("verify", "--json", "--repeat", "2", "--only", "reach", timeout=180)
    assert ran.data["runs"] == 2 and ran.data["failures"] == {} and len(ran.data["results"]) == 1


def test_repeated_runs_that_are_interrupted_report_those_that_were_done(make: MakeCheckout) -> None:
    stack = make({"devstack.yml": WEB})
    process = stack.begin("verify", "--json", "--repeat", "5", "--only", "reach", "--report", "json=report.json")

    def twin() -> set[str]:
        return {name for name in twins(stack.engine, stack.name) if name.startswith("container")}

    wait_for(lambda: bool(twin()))
    first = twin()
    wait_for(lambda: bool(twin() - first), seconds=120)
    process.send_signal(signal.SIGINT)
    ran = finish(process)
    assert ran.code == 130 and "1 of 5 were done" in ran.err
    report = json.loads((stack.folder / "report.json").read_text())
    assert ran.data["runs"] == report["runs"] == 1 and not json.loads(ran.out)["ok"]
    assert twin() == set()


def test_when_time_is_up_the_rest_is_told_as_not_checked(make: MakeCheckout) -> None:
    stack = make({"devstack.yml": WEB})
    ran = stack.devstack("verify", "--json", "--timeout", "3", code=3)
    assert failures(ran)[-1]["id"] in ("time", "start.cold")
    assert twins(stack.engine, stack.name) == []


def test_an_edit_for_the_reload_check_touches_nobodys_file(make: MakeCheckout) -> None:
    stack = make({"devstack.yml": PAGE, "page/index.html": "hello\n"})
    page = stack.folder / "page/index.html"
    before = page.stat().st_mtime_ns
    ran = stack.devstack("verify", "--json", "--only", "reload")
    assert [r["status"] for r in ran.data["results"]] == ["pass"]
    assert page.read_text() == "hello\n" and page.stat().st_mtime_ns == before


def test_what_a_killed_verify_left_is_gone_after_the_next_up(shop: Checkout) -> None:
    before = state(shop)
    process = shop.begin("verify")
    wait_for(lambda: any(name.startswith("container") for name in twins(shop.engine, shop.name)))
    kill(process)
    assert twins(shop.engine, shop.name)
    ran = shop.devstack("up")
    assert "swept" in ran.err
    assert twins(shop.engine, shop.name) == [] and state(shop) == before


def test_the_report_times_every_service_and_names_what_it_saw(shop: Checkout) -> None:
    report = shop.devstack("verify", "--json", "--only", "start", "--only", "AC0", code=2)
    assert "AC0" in report.document["error"]["message"]
    report = shop.devstack("verify", "--json", "--only", "start", timeout=120)
    startup = report.data["startup"]
    assert startup["critical_path"] == ["db", "web"]
    for timing in startup["services"]:
        assert 0 <= timing["created"] <= timing["started"] <= timing["healthy"] <= startup["seconds"] + 0.01
    assert {edge["service"]: edge["needs"] for edge in report.data["graph"]} == {"web": "db"}
    assert all(seen["log"] is not None and seen["state"] == "healthy" for seen in report.data["services"])
    told = {row["service"]: row["stand_in"] for row in shop.devstack("status", "--json").data["services"]}
    assert {seen["service"]: seen["stand_in"] for seen in report.data["services"]} == told
