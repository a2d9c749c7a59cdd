"""Ctrl-C, SIGTERM and kill -9 at any moment: the command ends, and the next `up` finishes the work without losing anything."""

from __future__ import annotations

import signal
import subprocess
import threading
import time

import docker
import pytest

from devstack import labels
from tests.scenarios.checkout import Checkout, command, finish, kill, surroundings, wait_for
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import DATABASE, PAIR, SHOP, one

STUCK = one('command: [sleep, "1000"]\ninit: true\nhealthcheck: {test: [CMD, "false"], interval: 60s, start_period: 60s}')
WORKER = one("command: [sh, -c, \"trap 'echo ending; sleep 2; exit 0' TERM; while :; do sleep 0.1; done\"]")
MOMENTS = 10
TOLD = 2.0
"""Seconds within which an interrupted command has ended."""


def hanging(stack: Checkout) -> subprocess.Popen[str]:
    """An `up` that waits for a service that will not become healthy."""
    process = stack.begin("up")
    wait_for(lambda: any(c.running for c in stack.containers().values()))
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_hanging_up_and_says_how_to_go_on(checkout: MakeCheckout, number: signal.Signals) -> None:
    stack = checkout(STUCK)
    process = hanging(stack)
    process.send_signal(number)
    ran = finish(process)
    assert ran.code == 130, ran
    assert ran.seconds < TOLD, ran
    assert "interrupted" in ran.err and "devstack" in ran.err
    assert stack.containers()["job-1"].running
    stack.devstack("down")
    assert stack.ids() == {}


def test_a_second_ctrl_c_ends_at_once(checkout: MakeCheckout) -> None:
    process = hanging(checkout(STUCK))
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    ran = finish(process)
    assert ran.code == 130 and ran.seconds < 1.0, ran


def test_up_after_a_stop_that_was_cut_off_waits_for_its_end_and_starts_it_again(checkout: MakeCheckout) -> None:
    stack = checkout(WORKER)
    stack.devstack("up")
    container = stack.ids()["job-1"]
    stopping = stack.begin("stop")
    wait_for(lambda: any(line.text.startswith("ending") for line in stack.engine.logs(container)))
    kill(stopping)
    ran = stack.devstack("up")
    assert f"{stack.name}-job-1 is just being stopped" in ran.err and "ready" in ran.out, ran
    assert stack.engine.inspect(container).running, "it is the same one, and it runs"


def test_a_worker_that_ends_well_when_it_is_stopped_is_started_by_up(checkout: MakeCheckout) -> None:
    stack = checkout(WORKER)
    stack.devstack("up")
    stack.devstack("stop")
    assert stack.containers()["job-1"].exit_code == 0
    stack.devstack("up")
    assert stack.containers()["job-1"].running
    stack.devstack("stop", "job")
    stack.devstack("up")
    assert stack.containers()["job-1"].running


def test_ctrl_c_ends_a_wait_for_another_command(checkout: MakeCheckout) -> None:
    stack = checkout(STUCK)
    first = hanging(stack)
    second = stack.begin("down")
    assert second.stderr is not None
    assert "devstack up (pid" in second.stderr.readline()
    second.send_signal(signal.SIGINT)
    ran = finish(second)
    assert ran.code == 130 and ran.seconds < TOLD, ran
    kill(first)


def test_a_lock_that_is_held_too_long_names_its_holder(checkout: MakeCheckout) -> None:
    stack = checkout(STUCK)
    first = hanging(stack)
    ran = stack.devstack("down", "--lock-timeout", "0.2", code=1)
    assert f"pid {first.pid}" in ran.err and "devstack up" in ran.err
    kill(first)
    stack.devstack("down", "--lock-timeout", "5")  # nobody holds it any more


def test_ctrl_c_ends_a_command_inside_a_container_and_logs_that_follow(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.devstack("up")
    for arguments in (["exec", "side", "sleep", "600"], ["logs", "--follow"]):
        process = pair.begin(*arguments)
        if arguments[0] == "logs":
            assert process.stdout is not None and "side is up" in process.stdout.readline()
        else:
            wait_for(lambda: "sleep 600" in pair.engine.exec(pair.ids()["side-1"], ["ps"]).text)
        process.send_signal(signal.SIGINT)
        ran = finish(process)
        assert ran.code == 130 and ran.seconds < TOLD, ran


class Moments:
    """Counts what the engine makes and starts for a project, as it happens."""

    def __init__(self, sdk: docker.DockerClient, project: str) -> None:
        self.project = project
        self.count = 0
        self.events = sdk.events(decode=True, since=int(time.time()))
        threading.Thread(target=self._pump, daemon=True).start()

    def _pump(self) -> None:
        for event in self.events:
            attributes = event.get("Actor", {}).get("Attributes", {})
            ours = attributes.get(labels.PROJECT) == self.project or attributes.get("name", "").startswith(self.project)
            volume = event.get("Type") == "volume" and event.get("Actor", {}).get("ID", "").startswith(self.project)
            if (ours or volume) and event.get("Action") in ("create", "start", "connect"):
                self.count += 1

    def close(self) -> None:
        self.events.close()


def is_whole(stack: Checkout, expected: set[str]) -> None:
    """Healthy, one container of each, nothing else."""
    there = stack.engine.containers(stack.name)
    assert sorted(c.name.removeprefix(f"{stack.name}-") for c in there) == sorted(expected)
    assert stack.is_healthy()
    assert set(stack.engine.observe(stack.name).networks) == {f"{stack.name}_default"}


def test_up_killed_at_ten_moments_is_healed_by_the_next_up_and_loses_no_row(checkout: MakeCheckout) -> None:
    shop = checkout(SHOP)
    shop.devstack("up")
    shop.devstack("down")
    begun = time.monotonic()
    shop.devstack("up")
    whole = time.monotonic() - begun
    for moment in range(MOMENTS):
        shop.sql(f"insert into note (body) values ('{moment}')")
        shop.devstack("down", "--fast")
        process = shop.begin("up")
        time.sleep(whole * (moment + 0.5) / MOMENTS)  # the moment of the kill, not a wait for something
        kill(process)
        shop.devstack("up")
        is_whole(shop, {"db-1", "app-1"})
        assert shop.rows() == ",".join(str(i) for i in range(moment + 1))
    assert shop.devstack("up").out.startswith("nothing to do")


def test_up_killed_after_each_thing_it_makes_is_healed_by_the_next_up(checkout: MakeCheckout, sdk: docker.DockerClient) -> None:
    pair = checkout(PAIR)
    reached = 0
    for made in range(1, 20):
        moments = Moments(sdk, pair.name)
        process = pair.begin("up")
        wait_for(lambda m=moments, n=made, p=process: m.count >= n or p.poll() is not None)  # type: ignore[misc]
        ended = process.poll() is not None
        kill(process)
        moments.close()
        pair.devstack("up")
        is_whole(pair, {"app-1", "side-1"})
        pair.devstack("down", "--fast")
        if ended:
            break
        reached = made
    assert reached >= 5  # a network, two containers, two starts


def test_a_replacement_killed_in_the_middle_is_finished(checkout: MakeCheckout, sdk: docker.DockerClient) -> None:
    pair = checkout(PAIR)
    pair.devstack("up")
    for level in ("debug", "warn"):
        pair.edit("devstack.yml", (pair.folder / "devstack.yml").read_text().split("LEVEL: ")[1].split("}")[0], level)
        moments = Moments(sdk, pair.name)
        process = pair.begin("up")
        wait_for(lambda m=moments, p=process: m.count >= 1 or p.poll() is not None)  # type: ignore[misc]
        kill(process)
        moments.close()
        pair.devstack("up")
        is_whole(pair, {"app-1", "side-1"})
        assert f"LEVEL={level}" in pair.devstack("exec", "app", "env").out


def test_down_killed_at_any_moment_is_finished_by_the_next_down(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    for moment in (0.5, 0.8, 1.1):
        pair.devstack("up")
        process = pair.begin("down")
        time.sleep(moment)  # the moment of the kill, not a wait for something
        kill(process)
        pair.devstack("down")
        assert pair.ids() == {} and not pair.engine.observe(pair.name).networks


SLOW = """\
insert into note (body) values ('one');
select pg_sleep(1.5);
insert into note (body) values ('two');
"""


def is_applying(stack: Checkout) -> bool:
    return stack.sql("select count(*) from pg_stat_activity where query like '%pg_sleep(1.5)%' and pid <> pg_backend_pid()") == "1"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_up_that_ends_inside_a_sql_file_applies_it_once(shop: Checkout, number: signal.Signals) -> None:
    name = f"db/1{number:02}_slow.sql"
    shop.sql("delete from note")
    shop.write({name: SLOW})
    process = shop.begin("up")
    wait_for(lambda: is_applying(shop))
    process.send_signal(number)
    process.communicate(timeout=10)
    assert shop.rows() == ""  # nothing of the file is there
    shop.devstack("up")
    assert shop.rows() == "one,two"


@pytest.fixture(scope="module")
def shop(standing: MakeCheckout) -> Checkout:
    made = standing(SHOP)
    made.devstack("up")
    return made


@pytest.mark.parametrize("moment", ["rendered", "volume", "started"])
def test_a_first_up_that_is_killed_leaves_a_database_that_its_password_opens(checkout: MakeCheckout, moment: str) -> None:
    first = checkout(DATABASE)
    reached = {
        "rendered": lambda: (first.folder / ".env").exists(),
        "volume": lambda: bool(first.volumes()),
        "started": lambda: any(c.running for c in first.containers().values()),
    }[moment]
    process = first.begin("up")
    wait_for(reached, every=0.005)
    kill(process)
    first.devstack("up")
    is_whole(first, {"db-1"})
    answer = subprocess.run(
        ["sh", "-c", f'eval "$({" ".join(command("env"))})"; exec "$PYTHON" -c "$PROGRAM"'],
        cwd=first.folder,
        env=surroundings(
            PYTHON=command()[0], PROGRAM="import psycopg; print(psycopg.connect().execute('select count(*) from note').fetchone())"
        ),
        capture_output=True,
        text=True,
    )
    assert answer.stdout == "(0,)\n", answer.stderr
