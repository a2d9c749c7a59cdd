"""What cannot work fails fast, says why with the service's own last words, and leaves the data as it was."""

from __future__ import annotations

import re
import socket
import threading

import pytest

from tests.scenarios.checkout import Checkout, free_ports, listener
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import DATABASE, PAIR, one

QUICK = 20.0
"""Seconds within which a failure that is plain to see must be told, on a busy machine."""


def test_a_service_that_exits_with_an_error_is_told_with_its_last_lines(checkout: MakeCheckout) -> None:
    ran = checkout(one('command: [sh, -c, "echo looking for my key; echo no key found >&2; exit 3"]')).devstack("up", code=1)
    assert "job exited with code 3" in ran.err
    assert "looking for my key" in ran.err and "no key found" in ran.err
    assert "devstack logs job" in ran.err
    assert ran.seconds < QUICK


def test_a_crash_loop_is_told_with_its_last_lines(checkout: MakeCheckout) -> None:
    ran = checkout(one('command: [sh, -c, "echo cannot find the config; exit 2"]\nrestart: always')).devstack("up", code=1)
    assert "job is in a crash loop" in ran.err and "code 2" in ran.err
    assert "cannot find the config" in ran.err
    assert "devstack run --rm --entrypoint sh job" in ran.err and "devstack exec" not in ran.err
    assert ran.seconds < QUICK


def test_a_service_that_crashes_after_a_second_is_not_called_ready(checkout: MakeCheckout) -> None:
    late = 'command: [sh, -c, "sleep 1.5; echo out of luck; exit 4"]\nhealthcheck: {test: [CMD, "false"], interval: 30s, start_period: 30s}'
    ran = checkout(one(late)).devstack("up", code=1)
    assert "job exited with code 4" in ran.err and "out of luck" in ran.err


@pytest.mark.parametrize(
    ("init", "told"), [("", "killed: it did not stop within 1 s; `init: true` for job may help"), ("init: true", "")]
)
def test_a_program_that_hears_no_signal_is_named_when_it_is_stopped(checkout: MakeCheckout, init: str, told: str) -> None:
    stack = checkout(one(f'command: [sh, -c, "sleep 1000; true"]\nstop_grace_period: 1s\n{init}'))
    stack.devstack("up")
    ran = stack.devstack("down")
    assert (told in ran.err) if told else ("killed" not in ran.err)


def test_an_unhealthy_service_is_told_with_its_last_probe(checkout: MakeCheckout) -> None:
    probe = 'healthcheck: {test: [CMD-SHELL, "echo no route to the moon; exit 1"], interval: 1s, timeout: 1s, retries: 2}'
    stack = checkout(one(f'command: [sh, -c, "echo waiting; exec sleep 1000"]\ninit: true\n{probe}'))
    ran = stack.devstack("up", "--json", code=1)
    error = ran.document["error"]
    assert error["code"] == "unhealthy" and "job is unhealthy" in error["message"]
    assert error["details"]["last probe"] == "exit 1: no route to the moon"
    assert error["details"]["last log"] == "waiting"
    assert ran.seconds < QUICK
    assert stack.containers()["job-1"].running  # left as it is, to be looked at


def test_what_waits_for_a_failed_service_is_not_started(checkout: MakeCheckout) -> None:
    stack = checkout(PAIR)
    stack.edit("devstack.yml", "echo side is up; exec sleep 1000", "exit 1")
    stack.devstack("up", code=1)
    app = stack.containers().get("app-1")
    assert app is None or not app.running


def test_a_wait_has_an_end(checkout: MakeCheckout) -> None:
    stuck = 'command: [sleep, "1000"]\ninit: true\nhealthcheck: {test: [CMD, "false"], interval: 60s, start_period: 60s}'
    ran = checkout(one(stuck)).devstack("up", "--timeout", "2", code=5)
    assert "job is not ready after" in ran.err
    assert ran.seconds < QUICK


def test_an_image_that_nobody_has_is_named(checkout: MakeCheckout) -> None:
    stack = checkout({"devstack.yml": "name: @PROJECT\nservices: {job: {image: 'localhost:1/no/such:1'}}\n"})
    ran = stack.devstack("up", code=1)
    assert "localhost:1/no/such:1" in ran.err
    assert stack.ids() == {}


def test_a_command_that_is_not_in_the_image_is_named(checkout: MakeCheckout) -> None:
    ran = checkout(one("command: [no-such-program]")).devstack("up", code=1)
    assert "job" in ran.err and "no-such-program" in ran.err


@pytest.fixture(scope="module")
def database(standing: MakeCheckout) -> Checkout:
    made = standing(DATABASE)
    made.devstack("up")
    return made


def test_a_wrong_sql_file_is_told_at_its_place_and_nothing_of_it_stays(database: Checkout) -> None:
    wrong = "create table half (id int);\ncreate index half_name\n  on half (nmae);\n"
    database.write({"db/900_wrong.sql": wrong, "db/901_after.sql": "create table after_it (id int);\n"})
    try:
        ran = database.devstack("up", code=1)
        assert re.search(r"error: db/900_wrong\.sql:\d+:\d+: .*nmae", ran.err), ran
        assert "[sql 42703]" in ran.err
        assert database.sql("select to_regclass('half') is null and to_regclass('after_it') is null") == "t"
        assert database.is_healthy()
    finally:
        (database.folder / "db/900_wrong.sql").unlink()
    database.devstack("up")
    assert database.sql("select to_regclass('after_it') is not null") == "t"


def test_a_sql_file_edited_after_it_was_applied_is_named(database: Checkout) -> None:
    text = (database.folder / "db/001_note.sql").read_text()
    database.write({"db/001_note.sql": text + "select 1; -- a second thought\n"})
    try:
        ran = database.devstack("up", code=1)
        assert "db/001_note.sql" in ran.err and "reset" in ran.err
    finally:
        database.write({"db/001_note.sql": text})
    assert database.devstack("up").out.startswith("nothing to do")


def test_a_failed_up_goes_on_where_it_stopped_once_the_cause_is_gone(checkout: MakeCheckout) -> None:
    stack = checkout(PAIR)
    stack.edit("devstack.yml", "echo side is up; exec sleep 1000", "exit 1")
    stack.devstack("up", code=1)
    stack.edit("devstack.yml", '"exit 1"', '"exec sleep 1000"')
    stack.devstack("up")
    assert stack.is_healthy() and set(stack.ids()) == {"app-1", "side-1"}


@pytest.mark.parametrize("command", ["up", "status", "logs", "down", "verify"])
def test_an_engine_that_is_not_there_is_told_at_once_with_what_was_tried(checkout: MakeCheckout, command: str) -> None:
    ran = checkout(PAIR).devstack(command, code=4, DOCKER_HOST="unix:///nonexistent.sock")
    assert "no container engine" in ran.err.lower() or "/nonexistent.sock" in ran.err
    assert "DOCKER_HOST" in ran.err and "/nonexistent.sock" in ran.err
    assert "devstack doctor" in ran.err
    assert ran.seconds < 5.0  # less than one on a machine that has nothing else to do


def test_something_that_is_no_engine_is_called_so(checkout: MakeCheckout) -> None:
    [port] = free_ports(1)
    with listener(port) as held:
        threading.Thread(target=greet, args=(held,), daemon=True).start()
        ran = checkout(PAIR).devstack("status", code=4, DOCKER_HOST=f"tcp://127.0.0.1:{port}")
    assert str(port) in ran.err
    assert ran.seconds < QUICK


def greet(held: socket.socket) -> None:
    """A program that speaks something else than HTTP, as often as it is asked."""
    while True:
        try:
            connection, _ = held.accept()
        except OSError:
            return
        connection.sendall(b"220 mail.example.com ready\r\n")
        connection.close()
