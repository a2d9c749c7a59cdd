"""What every engine promises (`devstack.engine.base.Engine`). Each implementation runs all of these."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from devstack import labels
from devstack.compose.model import Build, FileMount, FileObject, Healthcheck, Mount, Port
from devstack.engine.base import Engine, Event, Health, Helper, State
from devstack.errors import Conflict, EngineRefused, ImageUnavailable, NotFound
from tests.engine.stacks import FOREVER, IMAGE, made, new, service, stack, up
from tests.scenarios.checkout import wait_for


def await_(what: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def ended(engine: Engine, container: str) -> None:
    await_(lambda: engine.inspect(container).state is State.EXITED)


class Contract:
    stops_take_time = True

    # Looking

    def test_an_unknown_project_is_empty(self, engine: Engine, project: str) -> None:
        seen = engine.observe(project, images=["t-no-such:1"], networks=["t-no-such"], volumes=["t-no-such"])
        assert (seen.containers, seen.networks, seen.volumes, seen.images) == ((), {}, {}, {})

    def test_named_things_of_others_are_seen_too(self, engine: Engine, project: str) -> None:
        made(engine, stack(project, volumes=("data",)))
        seen = engine.observe("t-nobody", images=[IMAGE], networks=[f"{project}_default"], volumes=[f"{project}_data"])
        assert list(seen.networks) == [f"{project}_default"]
        assert list(seen.volumes) == [f"{project}_data"]
        assert seen.images[IMAGE].reference == IMAGE
        assert seen.images[IMAGE].id.startswith("sha256:")

    def test_a_missing_image_is_none(self, engine: Engine) -> None:
        assert engine.image("t-no-such:1") is None

    def test_a_missing_container_is_not_found(self, engine: Engine) -> None:
        with pytest.raises(NotFound):
            engine.inspect("t-no-such")

    def test_an_image_from_nowhere_is_unavailable_and_named(self, engine: Engine) -> None:
        with pytest.raises(ImageUnavailable, match=r"t-no-such-registry\.invalid/x:1"):
            engine.pull("t-no-such-registry.invalid/x:1")

    # Creating

    def test_a_created_container_carries_the_labels_compose_looks_for(self, engine: Engine, project: str) -> None:
        (container,) = made(engine, stack(project, service("web")))
        seen = engine.observe(project).containers[0]
        assert seen.id == container
        assert (seen.name, seen.state, seen.image, seen.number) == (f"{project}-web-1", State.CREATED, IMAGE, 1)
        assert (seen.project, seen.service, seen.oneoff, len(seen.config_hash)) == (project, "web", False, 64)
        assert seen.labels[labels.IMAGE] == seen.image_id == engine.observe(project, images=[IMAGE]).images[IMAGE].id
        assert seen.labels[labels.WORKING_DIR] == "/tmp"
        assert seen.labels[labels.CONFIG_FILES] == "/tmp/compose.yaml"

    def test_networks_and_volumes_carry_project_key_and_directory(self, engine: Engine, project: str) -> None:
        made(engine, stack(project, volumes=("data",)))
        seen = engine.observe(project)
        network, volume = seen.networks[f"{project}_default"], seen.volumes[f"{project}_data"]
        assert (network.labels[labels.PROJECT], network.labels[labels.NETWORK]) == (project, "default")
        assert (volume.labels[labels.PROJECT], volume.labels[labels.VOLUME]) == (project, "data")
        assert network.labels[labels.DIRECTORY] == volume.labels[labels.DIRECTORY] == "/tmp"

    def test_creating_the_same_container_again_adopts_it(self, engine: Engine, project: str) -> None:
        wanted = stack(project, service("web"))
        (container,) = made(engine, wanted)
        assert engine.create(wanted, new(engine, wanted, "web")) == container
        assert len(engine.containers(project)) == 1

    def test_creating_the_same_network_again_adopts_it(self, engine: Engine, project: str) -> None:
        wanted = stack(project)
        one = engine.create_network(wanted, wanted.networks["default"])
        assert engine.create_network(wanted, wanted.networks["default"]) == one

    def test_a_name_held_by_another_container_is_a_conflict_that_names_it(self, engine: Engine, project: str) -> None:
        wanted = stack(project, service("web"), service("other"))
        made(engine, wanted, "web")
        with pytest.raises(Conflict) as caught:
            engine.create(wanted, new(engine, wanted, "other", name=f"{project}-web-1"))
        assert f"{project}-web-1" in caught.value.message
        told = " ".join(text for _, text in caught.value.details)
        assert IMAGE in told
        assert project in told

    def test_a_one_off_has_no_number_and_no_restarts(self, engine: Engine, project: str) -> None:
        wanted = stack(project, service("web", restart="always"))
        made(engine, wanted, "web")
        container = engine.create(
            wanted, new(engine, wanted, "web", name=f"{project}-web-run-0123456789ab", one_off=True, command=("true",))
        )
        seen = engine.inspect(container)
        assert (seen.oneoff, seen.number) == (True, 0)
        assert seen.labels[labels.SLUG].startswith("0123456789ab")
        assert seen.detail is not None
        assert seen.detail.restart_policy == "no"
        assert [c.id for c in engine.observe(project).of("web")] != [container]

    def test_anonymous_volumes_are_inherited_by_their_mount_target(self, engine: Engine, project: str) -> None:
        web = service("web", mounts=(Mount(type="volume", target="/data"),))
        wanted = stack(project, web)
        (first,) = made(engine, wanted)
        mount = next(m for m in engine.inspect(first).mounts if m.target == "/data")
        second = engine.create(wanted, new(engine, wanted, "web", name=f"{project}-next", inherit={"/data": mount.name}))
        engine.remove(first)
        assert [m.name for m in engine.inspect(second).mounts] == [mount.name]
        engine.remove(second, anonymous_volumes=True)
        engine.remove_volume(mount.name)

    # Running

    def test_a_container_runs_and_stops_and_goes(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web")))
        assert engine.inspect(container).state is State.RUNNING
        engine.stop(container, 0)
        assert engine.inspect(container).state is State.EXITED
        engine.remove(container)
        assert engine.containers(project) == ()

    def test_an_exit_code_is_seen_in_the_list_and_by_inspect(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("once", ("sh", "-c", "exit 3"))))
        ended(engine, container)
        (listed,) = engine.containers(project)
        inspected = engine.inspect(container)
        assert (listed.state, listed.exit_code) == (State.EXITED, 3)
        assert inspected.detail is not None
        assert (inspected.exit_code, inspected.detail.exit_code) == (3, 3)
        # 20.10 notes the start of a program that is over at once a moment after its end.
        assert inspected.detail.finished_at >= inspected.detail.started_at - 1 > 0

    def test_starting_twice_and_stopping_twice_is_fine(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web")))
        engine.start(container)
        engine.stop(container, 0)
        engine.stop(container, 0)

    def test_a_stop_that_is_under_way_is_waited_for(self, engine: Engine, project: str) -> None:
        stubborn = service("web", ("sh", "-c", "trap '' TERM; while :; do sleep 1; done"), stop_grace_period=2.0)
        (container,) = up(engine, stack(project, stubborn, service("other")), "web", "other")[:1]
        waited: list[str] = []
        for cut_off in (False, True):
            engine.await_stops(project, waited.append, cut_off=cut_off)
        assert waited == []
        stopping = threading.Thread(target=engine.stop, args=(container,))
        stopping.start()
        await_(lambda: engine.await_stops(project, waited.append, cut_off=False) or not engine.inspect(container).running)
        assert waited == ([f"{project}-web-1"] if self.stops_take_time else []) and engine.inspect(container).state is State.EXITED
        stopping.join()
        assert [c.service for c in engine.containers(project) if c.running] == ["other"]

    def test_whether_it_was_stopped_or_ended_by_itself_is_remembered(self, engine: Engine, project: str) -> None:
        """Not for ever by every engine, which then says None."""
        own, told = up(engine, stack(project, service("own", ("true",)), service("told", init=True)), "own", "told")
        ended(engine, own)
        engine.stop(told)
        assert [engine.was_stopped(engine.inspect(container)) for container in (own, told)] == [False, True]
        engine.start(own)
        ended(engine, own)
        assert engine.was_stopped(engine.inspect(own)) is False

    def test_stopping_and_removing_what_is_gone_is_fine(self, engine: Engine, project: str) -> None:
        (container,) = made(engine, stack(project, service("web")))
        engine.remove(container)
        engine.remove(container)
        engine.stop(container)
        engine.remove_network("t-no-such")
        engine.remove_volume("t-no-such")

    def test_starting_what_is_gone_is_not_found(self, engine: Engine) -> None:
        with pytest.raises(NotFound):
            engine.start("t-no-such")

    def test_a_command_that_is_not_there_refuses_to_start(self, engine: Engine, project: str) -> None:
        (container,) = made(engine, stack(project, service("web", ("t-no-such-program",))))
        with pytest.raises(EngineRefused, match="executable file not found"):
            engine.start(container)

    def test_a_renamed_container_is_found_under_its_new_name(self, engine: Engine, project: str) -> None:
        (container,) = made(engine, stack(project, service("web")))
        engine.rename(container, f"{project}-other")
        assert engine.inspect(f"{project}-other").id == container
        engine.rename(container, f"{project}-other")

    def test_pausing_and_unpausing(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web")))
        engine.pause(container)
        assert engine.containers(project)[0].state is State.PAUSED
        engine.unpause(container)
        assert engine.containers(project)[0].state is State.RUNNING

    def test_a_killed_container_exits_with_its_signal(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web")))
        engine.kill(container)
        ended(engine, container)
        assert engine.containers(project)[0].exit_code == 137
        engine.kill(container)

    def test_a_network_in_use_is_refused(self, engine: Engine, project: str) -> None:
        up(engine, stack(project, service("web")))
        with pytest.raises(EngineRefused, match="active endpoints"):
            engine.remove_network(f"{project}_default")

    def test_a_volume_in_use_is_a_conflict(self, engine: Engine, project: str) -> None:
        web = service("web", mounts=(Mount(type="volume", source="data", target="/data"),))
        made(engine, stack(project, web, volumes=("data",)))
        with pytest.raises(Conflict, match="in use"):
            engine.remove_volume(f"{project}_data")

    def test_published_ports_are_seen_while_it_runs(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web", ports=(Port(80, host_ip="127.0.0.1"),))))
        (binding,) = engine.containers(project)[0].bindings
        assert (binding.target, binding.protocol, binding.host_ip) == (80, "tcp", "127.0.0.1")
        assert binding.published > 0
        assert engine.inspect(container).bindings == (binding,)

    # Health and events

    def test_a_passing_probe_makes_it_healthy_at_once(self, engine: Engine, project: str) -> None:
        if not engine.info.fast_health:
            pytest.skip("this engine has no StartInterval (API 1.44)")
        check = Healthcheck(("CMD", "true"), interval=30.0)
        (container,) = up(engine, stack(project, service("web", healthcheck=check)))
        await_(lambda: engine.containers(project)[0].health is Health.HEALTHY, 5)
        assert engine.inspect(container).health is Health.HEALTHY

    def test_a_failing_probe_is_told_with_its_output(self, engine: Engine, project: str) -> None:
        check = Healthcheck(("CMD-SHELL", "echo no luck; exit 7"), interval=0.1, retries=1, start_period=0.1, start_interval=0.1)
        (container,) = up(engine, stack(project, service("web", healthcheck=check)))
        await_(lambda: engine.containers(project)[0].health is Health.UNHEALTHY)
        detail = engine.inspect(container).detail
        assert detail is not None
        assert (detail.probes[-1].exit_code, detail.probes[-1].output.strip()) == (7, "no luck")

    def test_events_from_the_moment_of_entering_are_seen(self, engine: Engine, project: str) -> None:
        wanted = stack(project, service("web", ("sh", "-c", "exit 4"), healthcheck=None))
        with engine.watch(project) as events:
            (container,) = up(engine, wanted)
            seen = until(events, lambda e: e.action == "die")
        assert [e.action for e in seen if e.action in ("create", "start", "die")] == ["create", "start", "die"]
        assert {(e.container, e.service) for e in seen} == {(container, "web")}
        assert seen[-1].exit_code == 4
        assert seen[-1].time == pytest.approx(time.time(), abs=60)

    def test_health_events_carry_the_verdict(self, engine: Engine, project: str) -> None:
        with engine.watch(project) as events:
            up(engine, stack(project, service("web", healthcheck=Healthcheck(("CMD", "true")))))
            seen = until(events, lambda e: e.action == "health_status")
        assert seen[-1].health is Health.HEALTHY

    def test_events_of_other_projects_are_not_seen(self, engine: Engine, project: str) -> None:
        with engine.watch(project) as events:
            made(engine, stack(f"{project}-b", service("web")))
            up(engine, stack(project, service("mine")))
            seen = until(events, lambda e: e.action == "start")
            for container in engine.containers(f"{project}-b"):
                engine.remove(container.id)
            engine.remove_network(f"{project}-b_default")
        assert {e.service for e in seen} == {"mine"}

    def test_leaving_the_watch_ends_an_iterator_blocked_in_another_thread(self, engine: Engine, project: str) -> None:
        got: list[Event] = []
        with engine.watch(project) as events:
            reader = threading.Thread(target=lambda: got.extend(events), daemon=True)
            reader.start()
            time.sleep(0.1)
        reader.join(5)
        assert not reader.is_alive()
        assert got == []

    # Inside

    def test_exec_gives_both_streams_and_the_exit_code(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web")))
        result = engine.exec(container, ["sh", "-c", "echo out; echo err >&2; exit 5"])
        assert (result.exit_code, result.stdout, result.stderr) == (5, b"out\n", b"err\n")

    def test_exec_feeds_stdin_to_its_end(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web")))
        data = bytes(range(256)) * 4000
        assert engine.exec(container, ["cat"], stdin=data).stdout == data
        assert engine.exec(container, ["cat"], stdin=b"").stdout == b""

    def test_exec_in_what_does_not_run_is_a_conflict(self, engine: Engine, project: str) -> None:
        (container,) = made(engine, stack(project, service("web")))
        with pytest.raises(Conflict, match="not running"):
            engine.exec(container, ["true"])

    def test_a_session_talks_both_ways(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web")))
        session = engine.session(container, ["cat"], tty=False)
        session.send(b"hello\n")
        assert session.receive() == ("stdout", b"hello\n")
        session.close_stdin()
        assert session.receive() is None
        assert session.exit_code() == 0
        session.close()

    def test_logs_are_lines_with_their_stream(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web", ("sh", "-c", "echo one; echo two; echo err >&2"))))
        ended(engine, container)
        lines = list(engine.logs(container))
        assert sorted((line.text, line.stream) for line in lines) == [("err", "stderr"), ("one", "stdout"), ("two", "stdout")]
        assert all(line.time > 0 for line in engine.logs(container, timestamps=True))
        assert len(list(engine.logs(container, tail=1))) == 1

    def test_followed_logs_end_with_the_container(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web", ("sh", "-c", "echo one; sleep 0.3; echo two"))))
        assert [line.text for line in engine.logs(container, follow=True)] == ["one", "two"]

    def test_secrets_by_content_are_there_when_it_starts(self, engine: Engine, project: str) -> None:
        use = (FileMount("key", mode=0o400), FileMount("key", target="/etc/own", uid="7", gid="8"))
        web = service("web", ("sh", "-c", "cat /run/secrets/key /etc/own"), secrets=use)
        (container,) = up(engine, stack(project, web, secrets=(FileObject(key="key", name="key", content="hush\n"),)))
        ended(engine, container)
        assert [line.text for line in engine.logs(container)] == ["hush", "hush"]

    # One-offs, processes and files

    def test_attached_before_the_start_nothing_is_missed(self, engine: Engine, project: str) -> None:
        wanted = stack(project, service("web", ("sh", "-c", "echo said; exit 3")))
        (container,) = made(engine, wanted)
        session = engine.attach(container, tty=False, stdin=False)
        engine.start(container)
        pieces = []
        while (piece := session.receive()) is not None:
            pieces.append(piece)
        assert b"".join(data for _, data in pieces) == b"said\n"
        assert session.exit_code() == engine.wait(container) == 3
        session.close()

    def test_attaching_to_what_is_not_there_is_not_found(self, engine: Engine) -> None:
        with pytest.raises(NotFound):
            engine.attach("t-no-such", tty=False, stdin=False)

    def test_waiting_gives_the_code_of_the_end_that_comes(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web")))
        threading.Timer(0.2, engine.kill, [container]).start()
        assert engine.wait(container) == 137

    def test_processes_of_a_running_container_are_listed(self, engine: Engine, project: str) -> None:
        (container,) = up(engine, stack(project, service("web")))
        assert "PID" in engine.top(container).titles

        def sleeps() -> bool:
            seen = engine.top(container)
            return any(row[seen.titles.index("CMD")].endswith("sleep 1000") for row in seen.rows)

        # For a moment after the start the process is still the runtime's own.
        wait_for(sleeps)
        engine.stop(container, 0)
        with pytest.raises(Conflict, match="not running"):
            engine.top(container)

    def test_files_go_in_and_come_out_as_plain_tar(self, engine: Engine, project: str) -> None:
        (container,) = made(engine, stack(project, service("web")))
        engine.write_archive(container, "/tmp", [tar_of("one.txt", b"hello")])
        found = engine.stat(container, "/tmp/one.txt")
        assert found is not None
        assert (found.name, found.is_folder, found.size) == ("one.txt", False, 5)
        with tarfile.open(fileobj=io.BytesIO(b"".join(engine.read_archive(container, "/tmp/one.txt")))) as tar:
            inner = tar.extractfile("one.txt")
            assert inner is not None
            assert inner.read() == b"hello"

    def test_a_folder_is_known_as_one_and_a_missing_path_as_none(self, engine: Engine, project: str) -> None:
        (container,) = made(engine, stack(project, service("web")))
        found = engine.stat(container, "/tmp")
        assert found is not None
        assert found.is_folder
        assert engine.stat(container, "/t-no-such") is None
        with pytest.raises(NotFound):
            b"".join(engine.read_archive(container, "/t-no-such"))
        with pytest.raises(NotFound):
            engine.write_archive(container, "/t-no-such", [tar_of("x", b"")])
        with pytest.raises(NotFound):
            engine.stat("t-no-such", "/tmp")

    def test_a_compressed_archive_is_never_sent(self, engine: Engine, project: str) -> None:
        (container,) = made(engine, stack(project, service("web")))
        packed = {"gzip": gzip.compress(tar_of("x", b"")), "xz": lzma.compress(b"x" * 99), "bzip2": bz2.compress(b"x" * 99)}
        for kind, data in packed.items():
            with pytest.raises(EngineRefused, match=kind):
                engine.write_archive(container, "/tmp", [data[:3], data[3:]])
        assert engine.stat(container, "/tmp/x") is None

    def test_an_image_that_is_not_here_cannot_be_pushed(self, engine: Engine) -> None:
        with pytest.raises(ImageUnavailable, match="cannot be pushed"):
            engine.push("t-no-such-registry.invalid/x:1")

    def test_events_name_their_container_and_image(self, engine: Engine, project: str) -> None:
        with engine.watch(project) as events:
            made(engine, stack(project, service("web")))
            seen = until(events, lambda e: e.action == "create")
        assert (seen[-1].name, seen[-1].image) == (f"{project}-web-1", IMAGE)

    # Helpers and volumes

    def test_a_helper_runs_to_its_end_and_is_gone(self, engine: Engine, project: str) -> None:
        done = engine.helper(Helper(purpose=f"greet {project}", image=IMAGE, command=("sh", "-c", "echo hi; exit 2")))
        assert (done.exit_code, done.stdout) == (2, b"hi\n")
        assert not [c for c in engine.containers() if c.labels.get(labels.HELPER) == f"greet {project}"]

    def test_a_helper_that_cannot_start_is_gone_too(self, engine: Engine, project: str) -> None:
        with pytest.raises(EngineRefused, match="executable file not found"):
            engine.helper(Helper(purpose=f"fail {project}", image=IMAGE, command=("t-no-such-program",)))
        assert not [c for c in engine.containers() if c.labels.get(labels.HELPER) == f"fail {project}"]

    def test_a_copied_volume_has_the_files(self, engine: Engine, project: str) -> None:
        wanted = stack(project, volumes=("one", "two"))
        made(engine, wanted)
        one, two = f"{project}_one", f"{project}_two"
        write = ("sh", "-c", "echo data > /d/file")
        engine.helper(Helper(purpose=f"write {project}", image=IMAGE, command=write, mounts={one: ("/d", False)}))
        engine.copy_volume(one, two, image=IMAGE)
        read = Helper(purpose=f"read {project}", image=IMAGE, command=("cat", "/d/file"), mounts={two: ("/d", True)})
        assert engine.helper(read).stdout == b"data\n"

    def test_own_volumes_are_found_by_label_with_sizes_only_when_asked(self, engine: Engine, project: str) -> None:
        engine.make_volume(f"{project}-snap", {labels.SNAPSHOT: "before", labels.PROJECT: project})
        (plain,) = engine.volumes(f"{labels.PROJECT}={project}")
        (sized,) = engine.volumes(f"{labels.PROJECT}={project}", sizes=True)
        assert (plain.name, plain.labels[labels.SNAPSHOT], plain.size) == (f"{project}-snap", "before", None)
        assert sized == replace(plain, size=0)
        assert plain.created == pytest.approx(time.time(), abs=60)

    def test_an_engine_can_be_used_from_many_threads(self, engine: Engine, project: str) -> None:
        wanted = stack(project, *(service(f"s{n}", FOREVER) for n in range(8)))
        made(engine, stack(project))
        errors: list[Exception] = []

        def one(name: str) -> None:
            try:
                engine.start(engine.create(wanted, new(engine, wanted, name)))
            except Exception as error:  # noqa: BLE001 - whatever it is, the main thread must see it
                errors.append(error)

        threads = [threading.Thread(target=one, args=(name,)) for name in wanted.services]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert {c.state for c in engine.containers(project)} == {State.RUNNING}


def until(events: Iterator[Event], last: Callable[[Event], bool]) -> list[Event]:
    seen: list[Event] = []
    for event in events:
        seen.append(event)
        if last(event):
            return seen
    raise AssertionError(f"the events ended: {seen}")


def tar_of(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class BuildContract:
    """What engines promise that have images in layers."""

    def test_an_image_that_a_newer_build_replaced_is_named_until_nothing_needs_it_and_it_is_removed(
        self, engine: Engine, project: str, tmp_path: Path
    ) -> None:
        def build(word: str) -> str:
            (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nLABEL word={word}\n")
            return engine.build(wanted, api).id

        api = service("api", image="", build=Build(context=str(tmp_path)))
        wanted = stack(project, api)
        first = build("one")
        (container,) = made(engine, wanted)
        last = build("two")
        assert engine.replaced(project) == ()
        assert not engine.remove_image(first)
        engine.remove(container)
        assert engine.replaced(project) == (first,)
        assert engine.replaced(f"{project}x") == ()
        assert engine.remove_image(first)
        assert not engine.remove_image(first)
        assert engine.replaced(project) == ()
        image = engine.image(f"{project}-api")
        assert image is not None and image.id == last
