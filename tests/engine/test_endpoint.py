"""Which engine is taken, and what is said when there is none."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devstack.engine import endpoint as endpoints
from devstack.engine.base import Endpoint
from devstack.engine.endpoint import candidates, exposed, resolve, why_not
from devstack.errors import EngineError, UsageError

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 2\r\n\r\nOK"


@contextmanager
def listening(path: Path, answer: bytes | None = PING) -> Iterator[None]:
    """Something on a Unix socket that answers everything alike; None: it never answers."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            kept = []
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                kept.append(connection)
                if answer is not None:
                    connection.recv(4096)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


def context(home: Path, name: str, host: str, *, tls: bool = False, current: bool = False) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker/contexts/meta" / digest
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    if tls:
        (home / ".docker/contexts/tls" / digest / "docker").mkdir(parents=True)
    if current:
        (home / ".docker/config.json").write_text(json.dumps({"currentContext": name}))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment without any engine: a home of its own, and known sockets only inside it."""
    places = (Endpoint(f"unix://{tmp_path}/first.sock", "first"), Endpoint(f"unix://{tmp_path}/second.sock", "second"))
    monkeypatch.setattr(endpoints, "candidates", lambda environment: places)
    return {"HOME": str(tmp_path)}


def test_the_flag_wins_over_everything(home: dict[str, str]) -> None:
    found = resolve("tcp://127.0.0.1:9", {**home, "DOCKER_HOST": "unix:///other.sock", "DOCKER_CONTEXT": "x"})
    assert (found.url, found.source, found.local) == ("tcp://127.0.0.1:9", "--engine", True)


def test_a_bare_path_is_a_socket(home: dict[str, str]) -> None:
    assert resolve("/x/y.sock", home).url == "unix:///x/y.sock"


def test_docker_host_wins_over_contexts(home: dict[str, str]) -> None:
    context(Path(home["HOME"]), "far", "ssh://far", current=True)
    found = resolve("docker", {**home, "DOCKER_HOST": "unix:///other.sock", "DOCKER_CONTEXT": "far"})
    assert (found.url, found.source) == ("unix:///other.sock", "$DOCKER_HOST")


def test_docker_context_wins_over_the_current_one(home: dict[str, str]) -> None:
    context(Path(home["HOME"]), "far", "ssh://far", current=True)
    context(Path(home["HOME"]), "near", "unix:///near.sock")
    assert resolve(None, {**home, "DOCKER_CONTEXT": "near"}) == Endpoint("unix:///near.sock", 'context "near"')
    assert resolve(None, home) == Endpoint("ssh://far", 'context "far"', local=False)


def test_a_context_brings_its_certificates(home: dict[str, str]) -> None:
    context(Path(home["HOME"]), "far", "tcp://far:2376", tls=True, current=True)
    found = resolve(None, home)
    assert (found.local, Path(found.tls).name) == (False, "docker")


def test_tls_from_the_environment(home: dict[str, str]) -> None:
    found = resolve(None, {**home, "DOCKER_HOST": "tcp://far:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"})
    assert (found.tls, found.local) == ("/certs", False)


def test_a_missing_context_names_those_that_exist(home: dict[str, str]) -> None:
    context(Path(home["HOME"]), "near", "unix:///near.sock")
    with pytest.raises(EngineError, match='no Docker context "far"') as caught:
        resolve(None, {**home, "DOCKER_CONTEXT": "far"})
    assert ("contexts", "near") in caught.value.details


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"currentContext": 3}'])
def test_a_damaged_config_chooses_no_context(home: dict[str, str], damaged: str) -> None:
    folder = Path(home["HOME"])
    (folder / ".docker").mkdir()
    (folder / ".docker/config.json").write_text(damaged)
    with listening(folder / "second.sock"):
        assert resolve(None, home).source == "second"


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"Endpoints": {}}'])
def test_a_damaged_context_is_named(home: dict[str, str], damaged: str) -> None:
    context(Path(home["HOME"]), "near", "unix:///near.sock", current=True)
    (meta,) = Path(home["HOME"]).glob(".docker/contexts/meta/*/meta.json")
    meta.write_text(damaged)
    with pytest.raises(EngineError, match='context "near" cannot be read'):
        resolve(None, home)


@pytest.mark.parametrize("url", ["docker.sock", "ftp://x", "unix://", "tcp:/x", "http//x"])
def test_what_is_no_address_is_a_usage_error(home: dict[str, str], url: str) -> None:
    with pytest.raises(UsageError, match="no address of an engine"):
        resolve(url, home)


def test_the_first_socket_that_answers_is_taken(home: dict[str, str]) -> None:
    folder = Path(home["HOME"])
    with listening(folder / "first.sock", b"SSH-2.0-x\r\n"), listening(folder / "second.sock"):
        assert resolve(None, home).source == "second"


def test_no_engine_lists_what_was_tried_and_why_each_failed(home: dict[str, str]) -> None:
    (Path(home["HOME"]) / "second.sock").touch()
    with pytest.raises(EngineError, match="no container engine answers") as caught:
        resolve(None, home)
    ((label, text),) = caught.value.details
    assert label == "tried"
    assert "$DOCKER_HOST (unset)" in text
    assert "first.sock: no such file" in text
    assert "second.sock: connection refused" in text


def test_a_socket_that_is_silent_does_not_hold_things_up(tmp_path: Path) -> None:
    with listening(tmp_path / "s", None):
        assert why_not(Endpoint(f"unix://{tmp_path}/s", "test"), 0.1) == "no answer within 0.1 s"


def test_permission_denied_gets_the_group_hint_and_nothing_unsafe(home: dict[str, str]) -> None:
    from devstack.engine.endpoint import no_engine

    error = no_engine([(Endpoint("unix:///var/run/docker.sock", "test"), "permission denied")])
    told = " ".join(error.hints)
    assert "group" in told
    assert "sudo" not in told
    assert "666" not in told


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_forbidden_socket_is_permission_denied(tmp_path: Path) -> None:
    with listening(tmp_path / "s"):
        (tmp_path / "s").chmod(0)
        tmp_path.chmod(0o755)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.chdir(tmp_path)
                os.setuid(65534)
                os.write(write, why_not(Endpoint("unix://s", "test")).encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.close(write)
        assert os.read(read, 100).decode() == "permission denied"


def test_plain_tcp_to_another_machine_is_called_unsafe() -> None:
    assert "root" in exposed(Endpoint("tcp://far:2375", "x", local=False))
    assert exposed(Endpoint("tcp://far:2376", "x", local=False, tls="/certs")) == ""
    assert exposed(Endpoint("unix:///x", "x")) == ""


def test_the_known_sockets_are_looked_for_in_this_home() -> None:
    found = [e.url for e in candidates({"HOME": "/h", "XDG_RUNTIME_DIR": "/run/user/7"})]
    assert found[0] == "unix:///var/run/docker.sock"
    assert {"unix:///run/user/7/docker.sock", "unix:///h/.docker/run/docker.sock", "unix:///run/user/7/podman/podman.sock"} <= {
        *found
    }


def test_connecting_to_nothing_says_where_and_why(tmp_path: Path) -> None:
    from devstack.engine.docker import connect

    with pytest.raises(EngineError, match="no container engine answers") as caught:
        connect(Endpoint(f"unix://{tmp_path}/none.sock", "$DOCKER_HOST"))
    assert caught.value.details == (("tried", f"$DOCKER_HOST unix://{tmp_path}/none.sock: no such file"),)


def test_connecting_to_what_is_no_engine_says_so(tmp_path: Path) -> None:
    from devstack.engine.docker import connect

    with listening(tmp_path / "s", b"HTTP/1.0 200 OK\r\n\r\nhello"), pytest.raises(EngineError) as caught:
        connect(Endpoint(f"unix://{tmp_path}/s", "$DOCKER_HOST"), timeout=2)
    assert "does not answer like a container engine" in caught.value.details[0][1]


def test_connecting_to_a_closed_port_says_refused() -> None:
    from devstack.engine.docker import connect

    with pytest.raises(EngineError) as caught:
        connect(Endpoint("tcp://127.0.0.1:9", "$DOCKER_HOST"), timeout=2)
    assert "refused" in caught.value.details[0][1]
