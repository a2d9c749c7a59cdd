"""What the native engine promises beyond the contract: supervised, restarted, swept; never orphaned, never mistaken."""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devstack.compose.model import Build, FileMount, FileObject, Healthcheck, Mount, Port
from devstack.engine.base import Health, State
from devstack.engine.native import processes
from devstack.engine.native.engine import NativeEngine
from devstack.engine.native.line import PATIENCE, Line
from devstack.engine.native.logfile import LOG_LIMIT
from devstack.engine.native.records import MARK, Box
from tests.engine.contract import await_
from tests.engine.stacks import FOREVER, made, service, stack, up
from tests.engine.test_native_contract import KIND


@pytest.fixture
def project() -> str:
    return f"t-life-{secrets.token_hex(4)}"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    kind = tmp_path / "templates" / "services" / "shell"
    kind.mkdir(parents=True)
    (kind / "kind.yml").write_text(KIND)
    (kind / "service.yaml.j2").write_text("image: busybox\n")
    return {**os.environ, "DEVSTACK_NATIVE_HOME": str(tmp_path / "home")}


@pytest.fixture
def engine(home: dict[str, str], tmp_path: Path) -> Iterator[NativeEngine]:
    found = NativeEngine(home, root=tmp_path)
    yield found
    for container in found.containers():
        found.remove(container.id, anonymous_volumes=True)
    assert not marked(found)


def marked(engine: NativeEngine, container: str = "") -> list[int]:
    """Processes that carry the mark of this engine's containers (or of one)."""
    ids = [container] if container else [folder.name for folder in engine.where.boxes.iterdir()]
    return [pid for name in ids for pid in processes.members(-1, f"{MARK}={name}".encode())]


def supervisor_of(engine: NativeEngine, project: str) -> int:
    """The process that listens for a project."""
    address = str(engine.where.socket(project))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and address in processes.command_line(int(entry.name)):
            return int(entry.name)
    raise AssertionError("no supervisor")


def connections(engine: NativeEngine, project: str) -> int:
    """The sockets with the address of a project's supervisor: its own, and one for each that has connected."""
    return Path("/proc/net/unix").read_text().count(f" {engine.where.socket(project)}\n")


def kill_supervisor(engine: NativeEngine, project: str) -> None:
    pid = supervisor_of(engine, project)
    os.kill(pid, signal.SIGKILL)
    await_(lambda: not engine.line.is_supervised(project))


# Restart policies


def test_a_service_that_crashes_is_started_again_with_growing_pauses(engine: NativeEngine, project: str) -> None:
    (container,) = up(engine, stack(project, service("web", ("sh", "-c", "exit 3"), restart="always")))
    await_(lambda: (engine.inspect(container).detail or 0) and engine.inspect(container).detail.restart_count >= 3)  # type: ignore[union-attr]
    engine.stop(container, 0)
    assert engine.inspect(container).state is State.EXITED
    count = engine.inspect(container).detail.restart_count  # type: ignore[union-attr]
    time.sleep(1.0)
    assert engine.inspect(container).detail.restart_count == count  # type: ignore[union-attr]


def test_on_failure_counts_and_leaves_a_success_alone(engine: NativeEngine, project: str) -> None:
    failing = service("bad", ("sh", "-c", "exit 3"), restart="on-failure:2")
    working = service("good", ("sh", "-c", "exit 0"), restart="on-failure:2")
    bad, good = up(engine, stack(project, failing, working))
    await_(lambda: engine.inspect(bad).state is State.EXITED)
    await_(lambda: engine.inspect(good).state is State.EXITED)
    assert engine.inspect(bad).detail.restart_count == 2  # type: ignore[union-attr]
    assert engine.inspect(good).detail.restart_count == 0  # type: ignore[union-attr]


def test_what_a_program_started_goes_with_it(engine: NativeEngine, project: str) -> None:
    (container,) = up(engine, stack(project, service("web", ("sh", "-c", "sleep 1000 & sleep 1000 & wait"))))
    await_(lambda: len(marked(engine, container)) == 3)
    engine.stop(container, 5)
    assert marked(engine, container) == []


def test_a_program_that_is_deaf_to_its_signal_is_killed_after_its_grace(engine: NativeEngine, project: str) -> None:
    (container,) = up(engine, stack(project, service("web", ("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"))))
    time.sleep(0.3)
    engine.stop(container, 0.5)
    assert engine.inspect(container).exit_code == 137


# Images


def test_services_of_one_folder_are_built_at_once_into_one_environment(engine: NativeEngine, project: str, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM python:3.13-slim\n")
    together = [service(f"s{n}", build=Build(context=str(context), dockerfile="Dockerfile"), image="") for n in range(4)]
    wanted = stack(project, *together)
    with ThreadPoolExecutor(4) as builders:
        images = list(builders.map(lambda one: engine.build(wanted, one), together))
    assert len({image.id for image in images}) == 1
    environments = [made.packages for made in (engine.images.made(wanted, one) for one in together)]
    assert len(set(environments)) == 1
    assert environments[0] is not None and subprocess.run([environments[0] / "bin" / "python", "-c", "import pip"]).returncode == 0


# Supervision


def test_a_supervisor_ends_when_nothing_is_left_to_do(engine: NativeEngine, project: str) -> None:
    (container,) = up(engine, stack(project, service("web")))
    pid = supervisor_of(engine, project)
    engine.remove(container)
    await_(lambda: not processes.alive(pid, 0), 15)


def test_commands_that_begin_at_once_share_one_supervisor(engine: NativeEngine, project: str) -> None:
    """Each would start one; those that come second would wait behind the first, and the commands for them."""
    address = str(engine.where.socket(project))
    begun = time.monotonic()
    with ThreadPoolExecutor(6) as commands:
        connections = list(commands.map(lambda _: Line(engine.where).connect(project), range(6)))
    assert time.monotonic() - begun < PATIENCE / 2
    there = [e.name for e in Path("/proc").iterdir() if e.name.isdigit() and address in processes.command_line(int(e.name))]
    assert there == [str(supervisor_of(engine, project))]
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("how", ["ask", "attach", "watch"])
def test_a_supervisor_that_ends_just_when_it_is_reached_is_followed_by_another(
    engine: NativeEngine, project: str, how: str
) -> None:
    asked: dict[str, Callable[[NativeEngine, str], object]] = {
        "ask": NativeEngine.start,
        "attach": lambda engine, container: engine.attach(container, tty=False, stdin=False).close(),
        "watch": lambda engine, _: engine.line.stream(project, op="subscribe").__enter__(),
    }
    (container,) = made(engine, stack(project, service("web")))
    Line(engine.where).connect(project).close()
    old = supervisor_of(engine, project)
    os.kill(old, signal.SIGSTOP)  # reached now, it does not answer any more
    before = connections(engine, project)
    with ThreadPoolExecutor(1) as command:
        answered = command.submit(lambda: asked[how](engine, container))
        await_(lambda: connections(engine, project) > before)
        os.kill(old, signal.SIGKILL)
        answered.result(30)
    assert supervisor_of(engine, project) != old


def test_a_supervisor_stays_small(engine: NativeEngine, project: str) -> None:
    up(engine, stack(project, *(service(f"s{n}", FOREVER) for n in range(10))))
    status = Path(f"/proc/{supervisor_of(engine, project)}/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0])
    assert resident < 40_000, f"{resident} kB"


def test_processes_do_not_outlive_a_supervisor_that_is_killed(engine: NativeEngine, project: str) -> None:
    stubborn = ("sh", "-c", "trap '' TERM; sleep 1000 & while :; do sleep 0.1; done")
    one, two = up(engine, stack(project, service("web"), service("deaf", stubborn, restart="always")))
    time.sleep(0.3)
    kill_supervisor(engine, project)
    assert {c.state for c in engine.containers(project)} == {State.EXITED}
    assert marked(engine, one) + marked(engine, two) == []
    engine.start(one)
    assert engine.inspect(one).state is State.RUNNING


def test_a_supervisor_killed_at_any_moment_leaves_nothing_behind(engine: NativeEngine, project: str) -> None:
    chance = random.Random(7)
    wanted = stack(project, *(service(f"s{n}", ("sh", "-c", "sleep 1000 & wait")) for n in range(3)))
    containers = made(engine, wanted)
    for _ in range(8):
        for container in containers:
            engine.start(container)
        time.sleep(chance.random() * 0.2)
        kill_supervisor(engine, project)
        assert {c.state for c in engine.containers(project)} == {State.EXITED}
        assert marked(engine) == []


def test_a_command_killed_while_it_starts_leaves_what_the_next_one_can_stop(
    engine: NativeEngine, project: str, home: dict[str, str], tmp_path: Path
) -> None:
    (container,) = made(engine, stack(project, service("web")))
    script = (
        "import os, sys; from pathlib import Path; from devstack.engine.native.engine import NativeEngine;"
        "NativeEngine(os.environ, root=Path(sys.argv[1])).start(sys.argv[2])"
    )
    for delay in (0.02, 0.15, 0.25, 0.4):
        child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path), container], env=home)
        time.sleep(delay)
        child.kill()
        child.wait()
        engine.stop(container, 0)
        assert engine.inspect(container).state in (State.EXITED, State.CREATED)
        assert marked(engine, container) == []


def test_another_process_with_a_recorded_number_is_never_taken_for_ours(engine: NativeEngine, project: str) -> None:
    (container,) = made(engine, stack(project, service("web")))
    stranger = subprocess.Popen(["sleep", "1000"])
    try:
        box = Box(engine.where.boxes / container)
        from dataclasses import replace

        box.write_life(replace(box.life(), state="running", pid=stranger.pid, born=12345))
        assert engine.containers(project)[0].state is State.EXITED
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_two_projects_do_not_see_each_other(engine: NativeEngine, project: str) -> None:
    (mine,) = up(engine, stack(project, service("web")))
    (other,) = up(engine, stack(f"{project}-b", service("web")))
    kill_supervisor(engine, project)
    assert engine.inspect(mine).state is State.EXITED
    assert engine.inspect(other).state is State.RUNNING


# Probes


def test_a_probe_that_hangs_is_cut_off_and_counts_as_failed(engine: NativeEngine, project: str) -> None:
    check = Healthcheck(("CMD-SHELL", "sleep 1000"), interval=0.1, timeout=0.2, retries=1, start_period=0.1, start_interval=0.1)
    (container,) = up(engine, stack(project, service("web", healthcheck=check)))
    await_(lambda: engine.inspect(container).health is Health.UNHEALTHY)
    assert "longer than 0.2 s" in engine.inspect(container).detail.probes[-1].output  # type: ignore[union-attr]
    engine.stop(container, 0)
    assert marked(engine, container) == []


def test_health_comes_and_goes_with_what_the_probe_finds(engine: NativeEngine, project: str) -> None:
    check = Healthcheck(("CMD", "test", "-e", "/tmp/flag"), interval=0.1, retries=2, start_period=5.0, start_interval=0.05)
    (container,) = up(engine, stack(project, service("web", healthcheck=check)))
    assert engine.inspect(container).health is Health.STARTING
    engine.exec(container, ["touch", "/tmp/flag"])
    await_(lambda: engine.inspect(container).health is Health.HEALTHY)


# Files, ports and logs


def test_a_volume_is_seen_where_it_is_mounted_and_kept(engine: NativeEngine, project: str) -> None:
    mounts = (Mount(type="volume", source="data", target="/data"),)
    wanted = stack(project, service("web", ("sh", "-c", "echo kept > /data/file; sleep 1000"), mounts=mounts), volumes=("data",))
    (container,) = up(engine, wanted)
    await_(lambda: engine.stat(container, "/data/file") is not None)
    assert engine.exec(container, ["cat", "/data/file"]).text == "kept\n"
    engine.remove(container)
    reader = stack(project, service("reader", ("cat", "/data/file"), mounts=mounts), volumes=("data",))
    (container,) = up(engine, reader)
    await_(lambda: engine.inspect(container).state is State.EXITED)
    assert [line.text for line in engine.logs(container)] == ["kept"]


def test_a_port_that_is_not_published_stays_the_same_for_the_project(engine: NativeEngine, project: str) -> None:
    wanted = stack(project, service("web", ports=(Port(80, host_ip="127.0.0.1"),)))
    (container,) = up(engine, wanted)
    first = engine.inspect(container).bindings
    engine.remove(container)
    (container,) = up(engine, wanted)
    assert engine.inspect(container).bindings == first


def test_other_services_are_found_by_name(engine: NativeEngine, project: str) -> None:
    db = service("db", ports=(Port(5432, published="15999", host_ip="127.0.0.1"),))
    api = service("api", ("sh", "-c", "echo $URL $HOST:$HOST_PORT"), environment={"URL": "x://db:5432/y"})
    up(engine, stack(project, db, api))
    container = next(c.id for c in engine.containers(project) if c.service == "api")
    await_(lambda: engine.inspect(container).state is State.EXITED)
    assert next(iter(engine.logs(container))).text.startswith("x://127.0.0.1:15999/y")


def test_secrets_are_readable_by_their_owner_only(engine: NativeEngine, project: str) -> None:
    web = service("web", secrets=(FileMount("key", mode=0o400),), environment={"PASSWORD": "hush-hush"})
    (container,) = up(engine, stack(project, web, secrets=(FileObject(key="key", name="key", content="hush-hush"),)))
    box = engine.where.boxes / container
    holding = [path for path in box.rglob("*") if path.is_file() and b"hush-hush" in path.read_bytes()]
    assert {path.name for path in holding} == {"record.json", "key"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in holding)
    assert "hush-hush" not in processes.command_line(supervisor_of(engine, project))


def test_logs_are_rotated_and_read_over_the_change(engine: NativeEngine, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = LOG_LIMIT
    line = "x" * 1000
    count = limit // 1000 + 2000
    script = f"i=0; while [ $i -lt {count} ]; do echo {line}; i=$((i+1)); done; echo last"
    (container,) = up(engine, stack(project, service("web", ("sh", "-c", script))))
    await_(lambda: engine.inspect(container).state is State.EXITED, 60)
    box = engine.where.boxes / container
    assert (box / "log.1").stat().st_size < limit * 1.1 and (box / "log").stat().st_size < limit
    lines = list(engine.logs(container, tail=3))
    assert [each.text for each in lines] == [line, line, "last"]
    assert len(list(engine.logs(container))) > count - limit // 900


def test_a_terminal_knows_its_size_and_gives_the_programs_exit_code(engine: NativeEngine, project: str) -> None:
    (container,) = up(engine, stack(project, service("web")))
    session = engine.session(container, ["sh", "-c", "read x; stty size; exit 5"], tty=True)
    session.resize(33, 101)
    session.send(b"go\n")
    said = b""
    while (piece := session.receive()) is not None:
        said += piece[1]
    assert b"33 101" in said
    assert session.exit_code() == 5
    session.close()


def test_an_archive_that_leads_out_of_its_folder_is_refused(engine: NativeEngine, project: str, tmp_path: Path) -> None:
    from devstack.errors import EngineRefused
    from tests.engine.contract import tar_of

    (container,) = made(engine, stack(project, service("web")))
    for name in ("../escaped", "/etc/escaped"):
        try:
            engine.write_archive(container, "/tmp", [tar_of(name, b"x")])
        except EngineRefused as refusal:
            assert "leads out" in refusal.message
    assert not (engine.where.boxes / container / "root" / "escaped").exists()
    assert not Path("/etc/escaped").exists()
