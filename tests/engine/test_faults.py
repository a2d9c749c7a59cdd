"""A bad line to a real engine: lost replies, refusals, nonsense, silence."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack import labels
from devstack.engine import streams, wire
from devstack.engine.base import Container, Endpoint, Engine, Health, Helper, State
from devstack.engine.docker import connect
from devstack.errors import DevstackError, EngineError, EngineRefused, ImageUnavailable
from tests.conftest import sweep
from tests.engine.proxy import Proxy, proxied
from tests.engine.stacks import IMAGE, made, new, service, stack, up

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BACKOFF", (0.01, 0.02, 0.03))


@pytest.fixture
def proxy(endpoint: Endpoint, tmp_path: Path) -> Iterator[Proxy]:
    with proxied(endpoint, tmp_path) as line:
        yield line


@pytest.fixture
def faulty(proxy: Proxy) -> Iterator[Engine]:
    """The real engine over a line that a test makes bad."""
    connected = connect(proxy.endpoint, timeout=2)
    yield connected
    connected.close()


def test_a_question_whose_reply_is_lost_is_asked_again(proxy: Proxy, faulty: Engine, project: str) -> None:
    proxy.add("GET /containers/json", times=2, reset_before=True)
    proxy.add("GET /volumes", times=1, reset_after=True)
    assert faulty.observe(project).containers == ()


def test_a_lost_reply_to_create_makes_no_second_container(proxy: Proxy, faulty: Engine, project: str) -> None:
    wanted = stack(project, service("web"))
    made(faulty, stack(project))
    proxy.add("POST /containers/create", reset_after=True)
    container = faulty.create(wanted, new(faulty, wanted, "web"))
    assert [c.id for c in faulty.containers(project)] == [container]


@pytest.mark.parametrize("when", ["reset_before", "reset_after"])
def test_lost_replies_to_repeatable_steps_do_no_harm(proxy: Proxy, faulty: Engine, project: str, when: str) -> None:
    for matches in (
        "POST /networks/create",
        "POST /volumes/create",
        "POST /containers/create",
        "POST /containers/.*/start",
        "POST /containers/.*/rename",
        "POST /containers/.*/stop",
        "DELETE /containers/",
        "DELETE /networks/",
        "DELETE /volumes/",
    ):
        proxy.add(matches, **{when: True})
    (container,) = up(faulty, stack(project, service("web"), volumes=("data",)))
    faulty.rename(container, f"{project}-new")
    assert faulty.inspect(f"{project}-new").state is State.RUNNING
    faulty.stop(container, 0)
    faulty.remove(container)
    faulty.remove_network(f"{project}_default")
    faulty.remove_volume(f"{project}_data")
    left = faulty.observe(project)
    assert (left.containers, left.networks, left.volumes) == ((), {}, {})
    assert all(fault.times == 0 for fault in proxy.faults)


def test_a_helper_is_removed_when_its_start_is_refused(proxy: Proxy, faulty: Engine, project: str) -> None:
    proxy.add("POST /containers/.*/start", status=500)
    with pytest.raises(EngineRefused, match="injected"):
        faulty.helper(Helper(purpose=f"fail {project}", image=IMAGE, command=("true",)))
    assert not [c for c in faulty.containers() if project in c.labels.get("io.devstack.helper", "")]


def test_a_container_whose_secrets_cannot_be_copied_in_is_not_left(proxy: Proxy, faulty: Engine, project: str) -> None:
    from devstack.compose.model import FileMount, FileObject

    key = FileObject(key="key", name="key", content="hush")
    wanted = stack(project, service("web", secrets=(FileMount("key"),)), secrets=(key,))
    proxy.add("PUT /containers/.*/archive", status=500)
    with pytest.raises(EngineRefused, match="injected"):
        made(faulty, wanted)
    assert faulty.containers(project) == ()


CALLS: dict[str, tuple[str, Callable[[Engine, Container], object]]] = {
    "observe": ("GET /containers/json", lambda e, c: e.observe(c.project)),
    "inspect": ("GET /containers/.*/json", lambda e, c: e.inspect(c.id)),
    "image": ("GET /images/", lambda e, c: e.image(IMAGE)),
    "networks": ("GET /networks", lambda e, c: e.observe(c.project)),
    "volumes": ("GET /volumes", lambda e, c: e.volumes("x")),
    "sizes": ("GET /system/df", lambda e, c: e.volumes("x", sizes=True)),
    "start": ("POST /containers/.*/start", lambda e, c: e.start(c.id)),
    "stop": ("POST /containers/.*/stop", lambda e, c: e.stop(c.id)),
    "kill": ("POST /containers/.*/kill", lambda e, c: e.kill(c.id)),
    "pause": ("POST /containers/.*/pause", lambda e, c: e.pause(c.id)),
    "rename": ("POST /containers/.*/rename", lambda e, c: e.rename(c.id, c.name + "x")),
    "remove": ("DELETE /containers/", lambda e, c: e.remove(c.id)),
    "exec": ("POST /containers/.*/exec", lambda e, c: e.exec(c.id, ["true"])),
    "exec start": ("POST /exec/.*/start", lambda e, c: e.exec(c.id, ["true"])),
    "exec end": ("GET /exec/.*/json", lambda e, c: e.exec(c.id, ["true"])),
    "logs": ("GET /containers/.*/logs", lambda e, c: list(e.logs(c.id))),
    "pull": ("POST /images/create", lambda e, c: e.pull("t-x.invalid/x:1")),
    "helper": ("POST /containers/create", lambda e, c: e.helper(Helper(purpose="t-fault", image=IMAGE, command=("true",)))),
    "watch": ("GET /events", lambda e, c: e.watch(c.project).__enter__()),
}
FAULTS: dict[str, dict[str, object]] = {
    "500": {"status": 500},
    "409": {"status": 409},
    "404": {"status": 404},
    "403": {"status": 403},
    "reset before": {"reset_before": True, "times": 9},
    "reset after": {"reset_after": True, "times": 9},
    "truncated": {"truncate": 20, "times": 9},
    "no JSON": {"body": b"<html>", "times": 9},
    "wrong JSON": {"body": b'"hello"', "times": 9},
    "null": {"body": b"null", "times": 9},
    "a list": {"body": b"[1]", "times": 9},
    "silence": {"delay": 2.5},
}


@pytest.fixture(scope="module")
def faults_project(engine: Engine) -> Iterator[str]:
    name = f"t-faults-{os.getpid()}"
    yield name
    sweep(engine, name)
    # A reply that was lost on the way leaves a helper that its maker could not know of.
    for container in engine.containers():
        if container.labels.get(labels.HELPER) == "t-fault":
            engine.remove(container.id)


@pytest.fixture
def running(engine: Engine, faults_project: str) -> Container:
    """A container that runs; the one of the test before, if that left it as it was."""
    wanted = stack(faults_project, service("web"))
    found = engine.containers(faults_project)
    if [(c.name, c.state) for c in found] != [(f"{faults_project}-web-1", State.RUNNING)]:
        for container in found:
            engine.remove(container.id)
        up(engine, wanted)
    return engine.containers(faults_project)[0]


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "silence"])
@pytest.mark.parametrize("call", CALLS)
def test_whatever_goes_wrong_is_one_of_our_errors(
    proxy: Proxy, running: Container, call: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    matches, do = CALLS[call]
    monkeypatch.setattr(streams, "SETTLE", 0.2)  # how long it is borne that the engine does not know of a command's end
    faulty = connect(proxy.endpoint, timeout=2)
    proxy.add(matches, **FAULTS[fault])
    try:
        do(faulty, running)
    except DevstackError as error:
        assert error.message
        assert isinstance(error, EngineError | EngineRefused | ImageUnavailable)
    finally:
        faulty.close()
    assert proxy.count(matches) > 0


@pytest.mark.parametrize("call", ["observe", "start", "exec start", "watch"])
def test_silence_ends_in_an_error_that_says_so(proxy: Proxy, running: Container, call: str) -> None:
    matches, do = CALLS[call]
    faulty = connect(proxy.endpoint, timeout=0.5)
    proxy.add(matches, delay=2.5)
    begun = time.monotonic()
    with pytest.raises(EngineError, match="did not answer in time"):
        do(faulty, running)
    assert time.monotonic() - begun < 2
    faulty.close()


def test_a_stream_of_events_that_breaks_is_taken_up_again_and_said(proxy: Proxy, faulty: Engine, project: str) -> None:
    proxy.add("GET /events", body=b'{"Type":"container","Action":"start","id":"x"}\n')
    with faulty.watch(project) as events:
        assert next(events).action == "start"
        assert next(events).lost
        up(faulty, stack(project, service("web")))
        assert next(events).action == "create"


def test_a_watch_whose_engine_is_gone_ends_in_an_error(proxy: Proxy, faulty: Engine, project: str) -> None:
    proxy.add("GET /events", body=b'{"Type":"container","Action":"start","id":"x"}\n')
    proxy.add("GET /events", times=99, reset_before=True)
    with faulty.watch(project) as events:
        assert next(events).action == "start"
        with pytest.raises(EngineError, match="waiting for events"):
            next(events)


def test_what_an_old_engine_still_calls_starting_is_asked_by_us(
    proxy: Proxy, engine: Engine, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from devstack.compose.model import Healthcheck
    from devstack.execute import asking

    proxy.add("GET /_ping", times=9, rewrite=lambda answer: answer.replace(b"Api-Version: 1.51", b"Api-Version: 1.41"))
    monkeypatch.setattr(asking, "PATIENCE", 4.0)
    old = connect(proxy.endpoint)
    probes = {"good": ("CMD", "true"), "bad": ("CMD", "false"), "slow": ("CMD", "sleep", "30"), "gone": ("CMD", "true")}
    wanted = stack(project, *(service(name, healthcheck=Healthcheck(test, interval=600)) for name, test in probes.items()))
    up(old, wanted)
    observed = old.observe(project)
    assert {c.health for c in observed.containers} == {Health.STARTING}
    engine.kill(next(c.id for c in observed.containers if c.service == "gone"))
    found = asking.asked(old, wanted, observed)
    assert [c.service for c in found.containers if c.health is Health.HEALTHY] == ["good"]
    if engine.info.fast_health:
        assert asking.asked(engine, wanted, observed) == observed
    old.close()


def test_an_old_engine_gets_one_network_at_creation_and_the_rest_before_the_start(
    proxy: Proxy, engine: Engine, project: str
) -> None:
    from devstack.compose.model import Attachment, Healthcheck

    proxy.add("GET /_ping", times=9, rewrite=lambda answer: answer.replace(b"Api-Version: 1.51", b"Api-Version: 1.41"))
    old = connect(proxy.endpoint)
    assert (old.info.api, old.info.fast_health) == ((1, 41), False)
    both = (Attachment(network="default"), Attachment(network="back"))
    check = Healthcheck(("CMD", "true"), interval=0.2)
    wanted = stack(
        project, service("web", networks=both, healthcheck=check, mac_address="02:42:ac:11:00:99"), networks=("default", "back")
    )
    (container,) = up(old, wanted)
    assert set(engine.inspect(container).networks) == {f"{project}_default", f"{project}_back"}
    assert proxy.count("POST /networks/.*/connect") == 1
    assert old.exec(container, ["true"]).exit_code == 0
    with old.watch(project):
        assert old.observe(project).containers[0].running
    old.close()
