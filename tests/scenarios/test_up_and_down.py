"""`up`, again `up`, `down`: the stack is as it is written, data stays, and what need not change is not touched."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
import pytest

from tests.scenarios.checkout import Checkout, run, states
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import PAIR, SHOP, one


@pytest.fixture(scope="module")
def shop(standing: MakeCheckout) -> Checkout:
    """A database with a row in it, and a program that waited for both."""
    made = standing(SHOP)
    ran = made.devstack("up", "--json")
    assert states(ran) == {"db": "healthy", "app": "healthy"}
    made.sql("insert into note (body) values ('kept')")
    return made


def test_second_up_changes_nothing(shop: Checkout) -> None:
    before = shop.ids()
    files = {path: path.stat().st_mtime_ns for path in shop.folder.rglob("*") if path.is_file()}
    ran = shop.devstack("up")
    assert ran.out.startswith("nothing to do: 2 services healthy, schema up to date")
    assert shop.devstack("up", "--json").data["changed"] is False
    assert shop.ids() == before
    assert {path: path.stat().st_mtime_ns for path in shop.folder.rglob("*") if path.is_file()} == files


def test_plan_touches_nothing_and_names_the_changed_key(shop: Checkout) -> None:
    before, rendered = shop.ids(), (shop.folder / "compose.yaml").read_text()
    shop.edit("devstack.yml", "LEVEL: info", "LEVEL: debug")
    try:
        ran = shop.devstack("up", "--plan")
        assert re.search(r"^recreate +app +.*environment\.LEVEL", ran.out, re.MULTILINE), ran
        assert re.search(r"^keep +db$", ran.out, re.MULTILINE), ran
        assert shop.ids() == before
        assert (shop.folder / "compose.yaml").read_text() == rendered
    finally:
        shop.edit("devstack.yml", "LEVEL: debug", "LEVEL: info")


def test_editing_an_environment_recreates_only_that_service(shop: Checkout) -> None:
    before = shop.ids()
    shop.edit("devstack.yml", "LEVEL: info", "LEVEL: debug")
    shop.devstack("up")
    after = shop.ids()
    assert after["db-1"] == before["db-1"]
    assert after["app-1"] != before["app-1"]
    assert "LEVEL=debug" in shop.devstack("exec", "app", "env").out
    assert shop.rows() == "kept"
    shop.edit("devstack.yml", "LEVEL: debug", "LEVEL: info")
    shop.devstack("up")


def test_a_new_sql_file_is_applied_and_nothing_else_happens(shop: Checkout) -> None:
    before = shop.ids()
    shop.write({"db/002_more.sql": "create table more (id int);\n"})
    ran = shop.devstack("up")
    assert "1 applied, 1 unchanged" in ran.err
    assert shop.sql("select count(*) from more") == "0"
    assert shop.ids() == before


def test_the_env_file_is_private_and_the_compose_file_holds_no_password(shop: Checkout) -> None:
    assert stat.S_IMODE((shop.folder / ".env").stat().st_mode) == 0o600
    [password] = shop.passwords()
    assert len(password) >= 20
    others = [path for path in shop.folder.rglob("*") if path.is_file() and path.name != ".env"]
    assert len(others) >= 4
    assert not [path for path in others if password in path.read_text()]


def test_down_and_up_keep_rows_and_passwords(shop: Checkout) -> None:
    before = shop.passwords()
    shop.devstack("down")
    assert shop.ids() == {}
    assert not shop.engine.observe(shop.name).networks
    assert shop.volumes() == {f"{shop.name}_db-data"}
    shop.devstack("up")
    assert shop.rows() == "kept"
    assert shop.passwords() == before


def test_a_second_down_has_nothing_to_do(checkout: MakeCheckout) -> None:
    assert checkout(PAIR).devstack("down").out.startswith("nothing to do")


def test_down_names_the_volumes_that_nothing_will_find_again_and_verify_leaves_none(checkout: MakeCheckout) -> None:
    stack = checkout(one('command: [sleep, "1000"]\ninit: true\nvolumes: [/data, "kept:/kept"]', "volumes: {kept: {}}\n"))
    with nameless(stack) as of_the_twin:
        ran = stack.devstack("verify", "--only", "data", "--only", "clean", "--json", code=None, timeout=180)
    results = ran.document["data"]["results"]
    assert [result["id"] for result in results if result["status"] == "fail" and result["check"] == "clean"] == ["clean.named"]
    assert of_the_twin and not of_the_twin & volumes()
    with nameless(stack) as made:
        stack.devstack("up")
    left = stack.devstack("down")
    assert (
        'job:/data: a volume without a name, and the next `up` begins with a new one; to keep what is in it: volumes: ["job_data:/data"]'
        in left.err
    )
    assert len(made - of_the_twin) == 1 and made & volumes() == made - of_the_twin
    with nameless(stack) as made_again:
        stack.devstack("up")
    assert stack.devstack("down", "--json").data["nameless_volumes"] == ["job:/data"]
    assert len(made_again - made - of_the_twin) == 1
    for name in (made | made_again) & volumes():
        stack.engine.remove_volume(name)


def volumes() -> set[str]:
    return set(subprocess.run(["docker", "volume", "ls", "-q"], capture_output=True, text=True, check=True).stdout.split())


@contextmanager
def nameless(stack: Checkout) -> Iterator[set[str]]:
    """The volumes without a name that containers of this stack and of its twins get meanwhile; other tests make such ones too."""
    client = docker.from_env()
    made: set[str] = set()
    mounts = client.events(since=int(time.time()), decode=True, filters={"type": "volume", "event": "mount"})

    def note() -> None:
        for event in mounts:
            actor = event["Actor"]
            with suppress(docker.errors.NotFound):
                container = client.api.inspect_container(actor["Attributes"]["container"])
                if container["Name"].startswith(f"/{stack.name}-") and re.fullmatch("[0-9a-f]{64}", actor["ID"]):
                    made.add(actor["ID"])

    noting = threading.Thread(target=note, daemon=True)
    noting.start()
    try:
        yield made
    finally:
        mounts.close()
        noting.join(10)
        client.close()


def test_stop_keeps_containers_and_start_brings_the_same_ones_back(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.devstack("up")
    before = pair.ids()
    pair.devstack("stop")
    assert not any(c.running for c in pair.containers().values())
    assert set(states(pair.devstack("status", "--json")).values()) <= {"completed", "exited (143)", "exited (137)"}
    pair.devstack("start")
    assert pair.is_healthy() and pair.ids() == before
    started = {name: pair.engine.inspect(identity).detail.started_at for name, identity in before.items()}  # type: ignore[union-attr]
    pair.devstack("restart", "app")
    again = {name: pair.engine.inspect(identity).detail.started_at for name, identity in before.items()}  # type: ignore[union-attr]
    assert pair.ids() == before
    assert again["app-1"] > started["app-1"] and again["side-1"] == started["side-1"]


def test_dependents_start_after_what_they_wait_for(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.devstack("up")
    app, side = (pair.engine.inspect(pair.ids()[name]).detail for name in ("app-1", "side-1"))
    assert app is not None and side is not None
    # An engine without a fast start cadence has not probed yet: devstack has, and it leaves no trace there.
    assert not side.probes or side.probes[0].ended_at <= app.started_at
    assert side.started_at < app.started_at


def test_the_schema_is_applied_before_dependents_start(checkout: MakeCheckout) -> None:
    """The program reads a row of the schema when it starts, and does so once: were it too early, it would end with an error."""
    stack = checkout(SHOP)
    stack.edit(
        "devstack.yml", 'image: busybox:1.37\n    init: true\n    command: [sh, -c, "echo app is up; exec sleep 1000"]', READS
    )
    stack.edit("devstack.yml", "{LEVEL: info}", "{PGHOST: db, PGUSER: shop, PGDATABASE: shop, PGPASSWORD: '${DB_PASSWORD}'}")
    stack.write({"db/002_row.sql": "insert into note (body) values ('from the schema');\n"})
    stack.devstack("up")
    assert "from the schema" in stack.devstack("logs", "app").out


READS = """image: postgres:17
    init: true
    entrypoint: [sh, -ec, 'psql -At -c "select body from note"; exec sleep 1000']
    restart: "no\""""


def test_a_one_shot_that_ends_well_is_done_and_stays_done(checkout: MakeCheckout) -> None:
    stack = checkout(one('command: [sh, -c, "echo worked"]'))
    assert states(stack.devstack("up", "--json")) == {"job": "completed"}
    before = stack.ids()
    assert stack.devstack("up").out.startswith("nothing to do")
    assert stack.ids() == before


def test_service_completed_successfully_is_waited_for(checkout: MakeCheckout) -> None:
    waits = """\
  app:
    image: busybox:1.37
    init: true
    command: [sh, -c, "cat /shared/done && exec sleep 1000"]
    volumes: [shared:/shared]
    depends_on: {job: {condition: service_completed_successfully}}
volumes: {shared: {}}
"""
    stack = checkout(one('command: [sh, -c, "sleep 1; echo the job is done > /shared/done"]\nvolumes: [shared:/shared]', waits))
    assert states(stack.devstack("up", "--json")) == {"job": "completed", "app": "running"}
    assert "the job is done" in stack.devstack("logs", "app").out


def test_profiles_leave_out_what_is_not_asked_for(checkout: MakeCheckout) -> None:
    extra = "  extra: {image: 'busybox:1.37', command: [sleep, '1000'], init: true, profiles: [more]}\n"
    stack = checkout(one('command: [sleep, "1000"]\ninit: true', extra))
    stack.devstack("up")
    assert set(stack.ids()) == {"job-1"}
    stack.devstack("up", "--profile", "more")
    assert set(stack.ids()) == {"job-1", "extra-1"}
    stack.devstack("down")
    assert stack.ids() == {}


def test_scale_makes_and_removes_containers(checkout: MakeCheckout) -> None:
    stack = checkout(one('command: [sleep, "1000"]\ninit: true'))
    stack.devstack("up", "--scale", "job=3")
    three = stack.ids()
    assert set(three) == {"job-1", "job-2", "job-3"}
    stack.devstack("up")
    assert stack.ids() == {"job-1": three["job-1"]}


def test_the_env_file_is_ignored_by_git(checkout: MakeCheckout) -> None:
    stack = checkout(PAIR)
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *arguments], cwd=stack.folder, env=environment, capture_output=True, text=True)

    assert git("init", "-q").returncode == 0
    stack.devstack("render")
    assert (stack.folder / ".env").exists()
    assert git("check-ignore", ".env").returncode == 0
    assert ".env\n" not in git("status", "--porcelain", "-uall").stdout


def test_a_stack_whose_folder_is_gone_is_taken_down_by_its_name(checkout: MakeCheckout, tmp_path: Path) -> None:
    stack = checkout(SHOP)
    stack.devstack("up")
    volumes = stack.volumes()
    shutil.rmtree(stack.folder)
    missed = run("down", "-p", "no-such-project", cwd=tmp_path, code=2)
    assert "no container of no-such-project" in missed.err and "devstack ls --all" in missed.err
    ran = run("down", "-p", stack.project, cwd=tmp_path)
    assert f"the data of {stack.project} is kept" in ran.out
    assert not stack.engine.containers(stack.project)
    assert stack.volumes() == volumes != set()
    assert "no-files" in run("down", "-p", stack.project, cwd=tmp_path, code=2).err
