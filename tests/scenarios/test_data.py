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


BOTH = {
    "devstack.yml": """\
name: @PROJECT
services:
  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}
  cache: {kind: redis, publish: false}
schema: {service: db, files: ["db/*.sql"]}
""",
    "db/001_note.sql": DATABASE["db/001_note.sql"],
}


@pytest.fixture(scope="module")
def both(standing: MakeCheckout) -> Checkout:
    """A database and a Redis, both made clean while they run."""
    made = standing(BOTH)
    made.devstack("up")
    return made


def redis(stack: Checkout, *words: str) -> str:
    container = next(c for c in stack.containers().values() if c.service == "cache")
    return stack.engine.exec(container.id, ["redis-cli", *words]).stdout.decode().strip()


def fill(stack: Checkout, text: str) -> None:
    stack.sql(f"truncate note; insert into note (body) values ('{text}')")
    redis(stack, "set", "note", text)


def held(stack: Checkout) -> tuple[str, str]:
    """What the database and the Redis hold."""
    return stack.rows(), redis(stack, "get", "note")


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
BOTH_KILLS = 4
"""The same for a stack of two stores; python -m tests.database.data_kills makes more."""


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
    pending = f"{files.name}_snapshot-pending"
    for _ in range(5):
        process = files.begin("reset", "--yes")
        while (
            not (caught := any(v.name == pending for v in files.engine.volumes("io.devstack.pending"))) and process.poll() is None
        ):
            pass
        if caught:
            break
        finish(process)  # it was done between two looks
        files.devstack("undo", "--yes")
    assert caught
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


def test_a_redis_is_flushed_where_it_runs_and_undo_brings_its_keys_back(both: Checkout) -> None:
    fill(both, "first")
    redis(both, "-n", "3", "set", "other", "x")
    before = both.ids()
    ran = both.devstack("reset", "--yes", "--json")
    assert ran.data["flushed"] == ["cache"] and "2 keys" in ran.err
    assert held(both) == ("", "") and redis(both, "-n", "3", "dbsize") == "0" and redis(both, "dbsize") == "0"
    assert both.ids() == before, "nothing was made anew"
    fill(both, "second")
    both.devstack("undo", "--yes")
    assert held(both) == ("first", "first") and redis(both, "-n", "3", "get", "other") == "x"
    assert both.ids()["db-1"] == before["db-1"]
    both.devstack("undo", "--yes")
    assert held(both) == ("second", "second")


def test_a_redis_without_its_client_is_spoken_to_over_its_port(checkout: MakeCheckout) -> None:
    stack = checkout(
        {
            "devstack.yml": "name: @PROJECT\nservices:\n  cache: {kind: redis, password: true, publish: false}\nverify: {startup: 60s}\n"
        }
    )
    stack.devstack("up")
    (cache,) = stack.containers().values()
    removed = stack.engine.exec(cache.id, ["sh", "-c", "rm $(command -v redis-cli)"], user="0")
    assert removed.exit_code == 0
    ask = ("redis-shell", "--builtin", "-c")
    stack.devstack(*ask, "set note old")
    stack.devstack("reset", "--yes")
    assert stack.devstack(*ask, "get note").out.strip() == ""
    stack.devstack("undo", "--yes")
    assert stack.devstack(*ask, "get note").out.strip() == "old"


def test_a_killed_reset_of_a_database_and_a_redis_is_all_or_nothing(both: Checkout) -> None:
    fill(both, "begin")
    begun = time.monotonic()
    both.devstack("reset", "--yes")
    whole = time.monotonic() - begun
    for index in range(BOTH_KILLS):
        text = f"round{index}"
        fill(both, text)
        process = both.begin("reset", "--yes")
        time.sleep(whole * (index + 2) / (BOTH_KILLS + 1))  # the moment of the kill, not a wait for something
        kill(process)
        both.devstack("up")
        begun = time.monotonic()
        redis(both, "set", "since", text)
        assert time.monotonic() - begun < 5, "nobody waits for a command that was killed"
        found = held(both)
        assert found in ((text, text), ("", "")), f"killed at {index + 2} of {BOTH_KILLS + 1}"
        if found == ("", ""):
            redis(both, "set", "note", "since")
            both.devstack("up")
            assert redis(both, "get", "note") == "since", "a reset that was finished is not done again"
            both.devstack("undo", "--yes")
            assert held(both) == (text, text)
    assert both.is_healthy()


def test_reset_hard_makes_a_new_volume_and_undo_goes_back_to_the_old_server(both: Checkout) -> None:
    fill(both, "old")
    both.devstack("db", "snapshot", "inside")
    before = both.sql("select system_identifier from pg_control_system()")
    ran = both.devstack("reset", "--hard", "--yes")
    assert f"{both.name}_db-data" in ran.err and "inside" in ran.err
    assert held(both) == ("", "") and both.sql("select system_identifier from pg_control_system()") != before
    both.devstack("undo", "--yes")
    assert held(both) == ("old", "old") and both.sql("select system_identifier from pg_control_system()") == before
    assert [s["name"] for s in both.devstack("db", "snapshots", "--json").data["snapshots"]] == ["inside"]
    both.devstack("reset", "--hard", "--yes")
    for _ in range(4):
        both.devstack("reset", "--yes")
    assert [v for v in copies(both) if v.endswith("db-data")], "the volume with the snapshot in it is not pruned by these"


def test_a_schema_that_changes_the_server_is_made_clean_with_a_new_volume(checkout: MakeCheckout) -> None:
    stack = checkout(DATABASE)
    stack.write({"db/002_role.sql": "create role reader;\ngrant select on note to reader;\n"})
    stack.devstack("up")
    stack.sql("insert into note (body) values ('old')")
    ran = stack.devstack("reset", "--yes")
    assert "db gets a new volume: db/002_role.sql changes more than its own database" in ran.err
    assert stack.rows() == ""
    stack.devstack("undo", "--yes")
    assert stack.rows() == "old"


def test_a_template_that_cannot_be_made_leaves_everything_as_it_is(checkout: MakeCheckout) -> None:
    stack = checkout(DATABASE)
    stack.devstack("up")
    stack.sql("insert into note (body) values ('kept')")
    stack.write({"db/002_wrong.sql": "alter table nowhere add a int;\n"})
    ran = stack.devstack("reset", "--yes", code=1)
    assert "db/002_wrong.sql:1" in ran.err and "no data was touched" in ran.err
    assert stack.rows() == "kept"
    assert "nothing to undo" in stack.devstack("undo", "--yes", code=2).err


def test_undo_of_a_stack_that_is_down_starts_the_database_for_it_and_leaves_it_down(checkout: MakeCheckout) -> None:
    stack = checkout(DATABASE)
    stack.devstack("up")
    stack.sql("insert into note (body) values ('old')")
    stack.devstack("reset", "--yes")
    stack.devstack("down")
    stack.devstack("undo", "--yes")
    assert stack.ids() == {}
    stack.devstack("up")
    assert stack.rows() == "old"


def test_undo_of_a_volume_does_not_wait_for_the_server_it_took_away(checkout: MakeCheckout) -> None:
    stack = checkout(DATABASE)
    stack.devstack("up")
    stack.sql("insert into note (body) values ('old')")
    stack.devstack("reset", "--yes")
    stack.devstack("reset", "--yes")
    stack.devstack("undo", "--yes")
    stack.devstack("reset", "--hard", "--yes")
    ran = stack.devstack("undo", "--yes")  # one copy too many goes with it, and that is a database of the server that is gone
    assert ran.seconds < 25 and stack.is_healthy()
    assert stack.devstack("undo", "--yes", "--json").data["restored"].startswith("before-undo")
    assert stack.rows() == ""


def test_reset_without_seeds_is_a_clean_state_of_its_own(checkout: MakeCheckout) -> None:
    stack = checkout(
        {
            "devstack.yml": DATABASE["devstack.yml"].replace("files:", "seeds: [seed.sql], files:"),
            "db/001_note.sql": DATABASE["db/001_note.sql"],
            "seed.sql": "insert into note (body) values ('seeded');\n",
        }
    )
    stack.devstack("up", "--no-seed")
    assert stack.rows() == ""
    stack.devstack("reset", "--yes")
    assert stack.rows() == "seeded"
    ran = stack.devstack("reset", "--yes", "--no-seed")
    assert "template" in ran.err  # not that of the seeded state
    assert stack.rows() == ""
    assert stack.sql("select count(*) from pg_database where datistemplate and datname like 'devstack_tpl_%'") == "2"
    assert "template" not in stack.devstack("reset", "--yes", "--no-seed").err
    assert stack.rows() == ""
    stack.devstack("reset", "--yes", "--no-seed", "--hard")
    assert stack.rows() == ""
    stack.devstack("up")
    assert stack.rows() == "seeded"


def test_a_template_is_made_with_psql_where_a_file_needs_it(database: Checkout) -> None:
    database.write({"db/002_made.sql": "select 'create table made ()' \\gexec\n"})
    database.devstack("reset", "--yes")
    assert database.sql("select to_regclass('made')") == "made"


def test_what_needs_a_server_that_does_not_run_says_how_to_start_it(database: Checkout) -> None:
    database.devstack("stop")
    for words in (["snapshots"], ["snapshot", "it"], ["restore", "it", "--yes"], ["clone", "it"], ["prune", "it", "--yes"]):
        error = database.devstack("db", *words, "--json", code=1).document["error"]
        assert (error["code"], error["hint"]) == ("not-running", ["devstack up db"]), words
    database.devstack("up")


def test_prune_takes_copies_of_volumes_away_where_no_database_runs(files: Checkout) -> None:
    files.devstack("reset", "--yes")
    assert copies(files)
    assert "undo" in files.devstack("db", "prune", code=7).err
    assert files.devstack("db", "prune", "--yes", "--json").data["removed"]
    assert copies(files) == set()
    assert "nothing to undo" in files.devstack("undo", "--yes", code=2).err
