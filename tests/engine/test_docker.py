"""What only a real engine can show."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.compose.model import FileMount, FileObject, Healthcheck, Mount
from devstack.engine.base import Endpoint, Engine, Health, Helper, State
from devstack.engine.docker import connect
from devstack.errors import EngineError, EngineRefused
from tests.engine.contract import await_, ended, until
from tests.engine.stacks import IMAGE, made, new, service, stack, up

pytestmark = pytest.mark.engine

TREE = """
mkdir -p /d/sub && echo data > /d/sub/file && chown 7:8 /d/sub/file && chmod 640 /d/sub/file
ln -s sub/file /d/link && touch -d '2001-02-03 04:05:06' /d/sub/file && chmod 1777 /d/sub && echo x > '/d/o dd.ü'
"""
LISTING = (
    "sh",
    "-c",
    # The time of a link itself means nothing to anybody, and `cp -a` of busybox does not keep it.
    'cd /d && find . | sort | while read f; do test -L "$f" && t= || t=%Y; '
    'stat -c "%n %F %a %u:%g $t" "$f" | grep -v \'^\\. \'; done; cat sub/file',
)


@pytest.fixture(autouse=True)
def _image(require_image: Callable[[str], str]) -> None:
    require_image(IMAGE)


@pytest.fixture
def bare(project: str) -> Iterator[str]:
    """An image with one file in it and no program at all."""
    name = f"{project}-bare:1"
    packed = subprocess.run(["tar", "-c", "-C", "/etc", "hostname"], capture_output=True, check=True).stdout
    subprocess.run(["docker", "import", "-", name], input=packed, capture_output=True, check=True)
    yield name
    subprocess.run(["docker", "rmi", name], capture_output=True)


def test_a_terminal_session_has_a_size_and_an_exit_code(engine: Engine, project: str) -> None:
    (container,) = up(engine, stack(project, service("web")))
    session = engine.session(container, ["sh"], tty=True)
    session.resize(33, 101)
    session.send(b"stty size; exit 5\n")
    said = b""
    while (piece := session.receive()) is not None:
        said += piece[1]
    assert b"33 101" in said
    assert session.exit_code() == 5
    session.close()


def test_a_session_tells_both_streams_apart_and_sees_the_end_of_input(engine: Engine, project: str) -> None:
    (container,) = up(engine, stack(project, service("web")))
    session = engine.session(container, ["sh", "-c", "echo bad >&2; wc -c"], tty=False)
    session.send(b"x" * 1000)
    session.close_stdin()
    pieces = []
    while (piece := session.receive()) is not None:
        pieces.append(piece)
    assert sorted(pieces) == [("stderr", b"bad\n"), ("stdout", b"1000\n")]
    session.close()


def test_a_program_that_reads_nothing_does_not_block_exec(engine: Engine, project: str) -> None:
    (container,) = up(engine, stack(project, service("web")))
    begun = time.monotonic()
    result = engine.exec(container, ["sh", "-c", "exit 3"], stdin=b"x" * 5_000_000)
    assert result.exit_code == 3
    assert time.monotonic() - begun < 5


def test_a_probe_with_a_long_interval_is_healthy_within_two_seconds(engine: Engine, project: str) -> None:
    if not engine.info.fast_health:
        pytest.skip("this engine has no StartInterval (API 1.44)")
    wanted = stack(project, service("web", healthcheck=Healthcheck(("CMD", "true"), interval=60.0)))
    (container,) = made(engine, wanted)
    begun = time.monotonic()
    with engine.watch(project) as events:
        engine.start(container)
        assert until(events, lambda e: e.action == "health_status")[-1].health is Health.HEALTHY
    assert time.monotonic() - begun < 2


def test_the_probe_of_an_image_is_sped_up_too(engine: Engine, project: str, tmp_path: Path) -> None:
    if not engine.info.fast_health:
        pytest.skip("this engine has no StartInterval (API 1.44)")
    image = f"{project}-probed:1"
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nHEALTHCHECK --interval=60s CMD true\n")
    subprocess.run(["docker", "build", "-q", "-t", image, str(tmp_path)], check=True, capture_output=True)
    try:
        up(engine, stack(project, service("web", image=image)))
        await_(lambda: engine.containers(project)[0].health is Health.HEALTHY, 3)
    finally:
        for container in engine.containers(project):
            engine.remove(container.id)
        subprocess.run(["docker", "rmi", image], capture_output=True)


@pytest.mark.parametrize("how", ["cp", "archive"])
def test_a_copied_volume_keeps_owners_modes_times_and_links(engine: Engine, project: str, bare: str, how: str) -> None:
    made(engine, stack(project, volumes=("one", "two")))
    one, two = f"{project}_one", f"{project}_two"
    engine.helper(Helper(purpose=f"fill {project}", image=IMAGE, command=("sh", "-c", TREE), mounts={one: ("/d", False)}))
    engine.copy_volume(one, two, image=IMAGE if how == "cp" else bare)
    look = Helper(purpose=f"look {project}", image=IMAGE, command=LISTING)
    before = engine.helper(replace(look, mounts={one: ("/d", True)}))
    after = engine.helper(replace(look, mounts={two: ("/d", True)}))
    assert b"640 7:8" in before.stdout
    assert after.stdout == before.stdout


def test_a_copy_into_a_volume_that_is_full_says_so(engine: Engine, project: str) -> None:
    wanted = stack(project, volumes=("one", "two"))
    small = replace(wanted.volumes["two"], driver_opts={"type": "tmpfs", "device": "tmpfs", "o": "size=64k"})
    made(engine, replace(wanted, volumes={"one": wanted.volumes["one"], "two": small}))
    fill = ("sh", "-c", "head -c 1000000 /dev/zero > /d/big")
    engine.helper(Helper(purpose=f"fill {project}", image=IMAGE, command=fill, mounts={f"{project}_one": ("/d", False)}))
    with pytest.raises(EngineRefused) as caught:
        engine.copy_volume(f"{project}_one", f"{project}_two", image=IMAGE)
    assert "No space left" in str(caught.value.details)


def test_content_secrets_have_their_owner_and_mode(engine: Engine, project: str) -> None:
    web = service("web", ("stat", "-c", "%a %u:%g", "/run/secrets/key"), secrets=(FileMount("key", uid="7", gid="8", mode=0o400),))
    (container,) = up(engine, stack(project, web, secrets=(FileObject(key="key", name="key", content="hush"),)))
    ended(engine, container)
    assert [line.text for line in engine.logs(container)] == ["400 7:8"]


def test_a_content_secret_in_a_read_only_service_is_refused_with_the_way_out(engine: Engine, project: str) -> None:
    web = service("web", secrets=(FileMount("key"),), read_only=True)
    with pytest.raises(EngineRefused, match="from a file") as caught:
        made(engine, stack(project, web, secrets=(FileObject(key="key", name="key", content="hush"),)))
    assert "file:" in caught.value.hints[0]
    assert engine.containers(project) == ()


def test_a_missing_folder_to_bind_is_made_as_the_caller(engine: Engine, project: str, tmp_path: Path) -> None:
    wanted = stack(project, service("web", mounts=(Mount(type="bind", source=str(tmp_path / "a/b"), target="/x"),)))
    made(engine, wanted)
    assert (tmp_path / "a/b").stat().st_uid == os.getuid()


def test_stopping_takes_the_containers_own_grace(engine: Engine, project: str) -> None:
    deaf = service("web", ("sh", "-c", "trap '' TERM; while true; do sleep 1; done"), stop_grace_period=1.0)
    (container,) = up(engine, stack(project, deaf))
    time.sleep(0.3)
    begun = time.monotonic()
    engine.stop(container)
    assert 0.8 < time.monotonic() - begun < 5
    assert engine.inspect(container).exit_code == 137


def test_a_grace_longer_than_the_patience_with_the_engine_is_waited_for(
    engine: Engine, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devstack.engine.ending.STOP_GRACE", 0.2)
    deaf = service("web", ("sh", "-c", "trap '' TERM; while true; do sleep 1; done"), stop_grace_period=3.0)
    (container,) = up(engine, stack(project, deaf))
    time.sleep(0.3)
    hasty = connect(engine.info.endpoint, timeout=1)
    begun = time.monotonic()
    hasty.stop(container)
    assert 2 < time.monotonic() - begun < 8
    hasty.close()
    assert engine.inspect(container).exit_code == 137


def test_logs_can_be_cut_by_time(engine: Engine, project: str) -> None:
    (container,) = up(engine, stack(project, service("web", ("sh", "-c", "echo one; sleep 0.5; echo two"))))
    ended(engine, container)
    one, two = list(engine.logs(container, timestamps=True))
    middle = (one.time + two.time) / 2
    assert [line.text for line in engine.logs(container, since=middle)] == ["two"]
    assert [line.text for line in engine.logs(container, until=middle)] == ["one"]


def test_lines_of_any_length_and_bytes_are_read(engine: Engine, project: str) -> None:
    script = r"head -c 100000 /dev/zero | tr '\0' x; echo; printf 'a\377b\r\nlast'"
    (container,) = up(engine, stack(project, service("web", ("sh", "-c", script))))
    ended(engine, container)
    assert [line.text for line in engine.logs(container)] == ["x" * 100_000, "a\N{REPLACEMENT CHARACTER}b", "last"]


def test_logs_of_a_terminal_are_one_stream(engine: Engine, project: str) -> None:
    (container,) = up(engine, stack(project, service("web", ("sh", "-c", "echo one; echo two >&2"), tty=True)))
    ended(engine, container)
    assert [(line.text, line.stream) for line in engine.logs(container)] == [("one", "stdout"), ("two", "stdout")]


def test_looking_at_a_project_takes_few_questions(engine: Engine, endpoint: Endpoint, project: str, tmp_path: Path) -> None:
    from tests.engine.proxy import proxied

    wanted = stack(project, *(service(f"s{n}") for n in range(4)), volumes=("data",))
    up(engine, wanted)
    with proxied(endpoint, tmp_path) as line:
        counted = connect(line.endpoint)
        line.requests.clear()
        seen = counted.observe(project, images=[IMAGE], networks=[f"{project}_default"], volumes=[f"{project}_data"])
        assert len(line.requests) == 4
        counted.close()
    assert len(seen.containers) == 4


def test_an_engine_over_ssh_is_spoken_to_through_the_users_own_ssh(
    project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    """The ssh on the path runs its command here: the line is real, only the other machine is this one."""
    (tmp_path / "ssh").write_text('#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done\nshift 2\nexec $@\n')
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    far = connect(Endpoint("ssh://somebody@somewhere", "--engine", local=False))
    (container,) = up(far, stack(project, service("web")))
    assert far.exec(container, ["cat"], stdin=b"there and back").stdout == b"there and back"
    assert far.inspect(container).state is State.RUNNING
    far.close()


def test_what_ssh_complains_about_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ssh").write_text("#!/bin/sh\necho 'ssh: Could not resolve hostname somewhere' >&2\nexit 255\n")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(EngineError) as caught:
        connect(Endpoint("ssh://somewhere", "--engine", local=False))
    assert "Could not resolve hostname" in caught.value.details[0][1]


def test_a_replacement_takes_over_and_the_labels_say_whose(engine: Engine, project: str) -> None:
    wanted = stack(project, service("web"))
    (first,) = up(engine, wanted)
    second = engine.create(wanted, new(engine, wanted, "web", name=f"{first[:12]}_{project}-web-1", replaces="web-1"))
    engine.stop(first)
    engine.remove(first)
    engine.rename(second, f"{project}-web-1")
    engine.start(second)
    (only,) = engine.observe(project).of("web")
    assert (only.id, only.name, only.running) == (second, f"{project}-web-1", True)
