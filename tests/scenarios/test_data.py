"""`reset` and `undo`: what destroys data names it, asks, and can be taken back."""

from __future__ import annotations

import signal
import time

import pytest

from tests.scenarios.checkout import Checkout, finish, kill, wait_for
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import DATABASE, one

TWO = """\
  other:
    image: busybox:1.37
    command: [sleep, "1000"]
    init: true
    volumes: [other:/data]
volumes: {one: {}, other: {}}
"""
FILES = one('command: [sleep, "1000"]\ninit: true\nvolumes: [one:/data]', TWO)


@pytest.fixture(scope="module")
def database(standing: MakeCheckout) -> Checkout:
    made = standing(DATABASE)
    made.devstack("up")
    return made


@pytest.fixture(scope="module")
def files(standing: MakeCheckout) -> Checkout:
    """Two programs with a volume each: quick to empty and to fill."""
    made = standing(FILES)
    made.devstack("up")
    return made


def write(stack: Checkout, text: str) -> None:
    for name, identity in stack.ids().items():
        assert stack.engine.exec(identity, ["sh", "-c", f"echo {text}-{name} > /data/it"]).exit_code == 0


def read(stack: Checkout) -> list[str]:
    """What stands in the volumes of both services, "" for nothing."""
    found = {
        name: stack.engine.exec(identity, ["sh", "-c", "cat /data/it 2>/dev/null || true"])
        for name, identity in stack.ids().items()
    }
    return [found[name].stdout.decode().strip() for name in sorted(found)]


def copies(stack: Checkout) -> set[str]:
    """The volumes of snapshots, whole and half-made."""
    return {v.name for v in stack.engine.volumes("io.devstack.project") if v.name.startswith(f"{stack.name}_snapshot")}


def old(text: str) -> list[str]:
    return [f"{text}-job-1", f"{text}-other-1"]


NEW = ["", ""]


def test_reset_empties_and_undo_brings_back_and_again(database: Checkout) -> None:
    database.sql("insert into note (body) values ('before')")
    ran = database.devstack("reset", "--yes")
    assert "db/shop" in ran.err and "1 row" in ran.err
    assert "devstack undo" in ran.said
    assert database.rows() == ""
    database.sql("insert into note (body) values ('after')")
    database.devstack("undo", "--yes")
    assert database.rows() == "before"
    database.devstack("undo", "--yes")
    assert database.rows() == "after"
    database.devstack("undo", "--yes")
    assert database.rows() == "before"
    assert database.is_healthy()


def test_reset_without_yes_off_a_terminal_is_refused_and_changes_nothing(files: Checkout) -> None:
    write(files, "kept")
    before = files.ids()
    ran = files.devstack("reset", code=7)
    assert f"{files.name}_one" in ran.err and "devstack reset --yes" in ran.err
    assert files.devstack("reset", "--json", code=7).document["error"]["code"] == "refused"
    assert files.ids() == before
    assert read(files) == old("kept")


def test_reset_of_one_service_leaves_the_others_data(files: Checkout) -> None:
    write(files, "mine")
    files.devstack("reset", "job", "--yes")
    assert read(files) == ["", "mine-other-1"]
    files.devstack("undo", "--yes")
    assert read(files) == old("mine")


def test_undo_without_anything_to_undo_says_so(checkout: MakeCheckout) -> None:
    ran = checkout(FILES).devstack("undo", "--yes", code=2)
    assert "nothing to undo" in ran.err


def test_reset_of_a_stack_that_is_down_leaves_it_down(checkout: MakeCheckout) -> None:
    stack = checkout(FILES)
    stack.devstack("up")
    write(stack, "old")
    stack.devstack("down")
    stack.devstack("reset", "--yes")
    assert stack.ids() == {}
    stack.devstack("up")
    assert read(stack) == NEW


def test_down_never_removes_a_volume(files: Checkout) -> None:
    write(files, "safe")
    files.devstack("down")
    files.devstack("up")
    assert read(files) == old("safe")


KILLS = 5
"""Moments at which `reset` is killed, spread over the time a whole one takes."""


def test_a_killed_reset_leaves_all_old_or_all_new(files: Checkout) -> None:
    write(files, "begin")
    begun = time.monotonic()
    files.devstack("reset", "--yes")
    whole = time.monotonic() - begun
    seen = set()
    for index in range(KILLS):
        text = f"round{index}"
        files.devstack("up")
        write(files, text)
        process = files.begin("reset", "--yes")
        time.sleep(whole * (index + 1) / (KILLS + 1))  # the moment of the kill, not a wait for something
        kill(process)
        files.devstack("up")
        found = read(files)
        assert found in (old(text), NEW), f"killed at {index + 1} of {KILLS + 1}"
        seen.add(found == NEW)
        if found == NEW:
            files.devstack("undo", "--yes")
            assert read(files) == old(text)
    assert files.is_healthy()


def test_a_reset_killed_the_moment_it_destroys_is_carried_to_its_end(files: Checkout) -> None:
    write(files, "edge")
    process = files.begin("reset", "--yes")
    pending = f"{files.name}_snapshot-pending"
    wait_for(lambda: bool([v for v in files.engine.volumes("io.devstack.pending") if v.name == pending]))
    kill(process)
    files.devstack("up")
    assert read(files) == NEW
    files.devstack("undo", "--yes")
    assert read(files) == old("edge")


def test_an_interrupted_reset_says_so_and_loses_nothing(files: Checkout) -> None:
    write(files, "here")
    before = copies(files)
    process = files.begin("reset", "--yes")
    wait_for(lambda: not copies(files) <= before)
    process.send_signal(signal.SIGINT)
    ran = finish(process)
    assert ran.code in (0, 130), ran
    files.devstack("up")
    found = read(files)
    assert found in (old("here"), NEW)
    if found == NEW:
        files.devstack("undo", "--yes")
        assert read(files) == old("here")
