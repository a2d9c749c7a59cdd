"""Whether a port can be bound, and who holds it: with real sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import pytest

from devstack import labels
from devstack.compose.model import Port
from devstack.engine.base import Binding, Container, Engine, State
from devstack.engine.ports import Holder, bindable, holder
from tests.engine.stacks import IMAGE, service, stack, up


def listener(address: str = "127.0.0.1", family: int = socket.AF_INET, *, listen: bool = True) -> socket.socket:
    found = socket.socket(family)
    if listen:
        # As servers do; without it the kernel keeps a closed connection's port from everybody, the engine's proxy too.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    found.bind((address, 0))
    if listen:
        found.listen()
    return found


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def container(**fields: object) -> Container:
    return Container(id="1" * 64, name="c", image="i", image_id="", state=State.RUNNING, **fields)  # type: ignore[arg-type]


def test_a_free_port_is_bindable_and_held_by_nobody() -> None:
    with listener() as sock:
        port = port_of(sock)
    assert bindable("127.0.0.1", port)
    assert holder(port, "127.0.0.1", "tcp", ()) is None


def test_a_listener_is_in_the_way_and_named() -> None:
    with listener() as sock:
        assert not bindable("127.0.0.1", port_of(sock))
        found = holder(port_of(sock), "127.0.0.1", "tcp", ())
    assert found is not None
    assert found.pid == os.getpid()
    assert "python" in found.command
    assert f"pid {os.getpid()}" in str(found)


def test_a_socket_that_is_bound_and_does_not_listen_is_in_the_way() -> None:
    with listener(listen=False) as sock:
        assert not bindable("127.0.0.1", port_of(sock))


def test_every_address_is_in_the_way_of_one() -> None:
    with listener("0.0.0.0") as sock:
        assert not bindable("127.0.0.1", port_of(sock))
        assert holder(port_of(sock), "127.0.0.1", "tcp", ()) is not None


def test_one_address_is_in_the_way_of_every() -> None:
    with listener("127.0.0.1") as sock:
        assert not bindable("", port_of(sock))
        assert not bindable("0.0.0.0", port_of(sock))


def test_another_address_is_not_in_the_way() -> None:
    with listener("127.0.0.2") as sock:
        assert bindable("127.0.0.1", port_of(sock))
        assert holder(port_of(sock), "127.0.0.1", "tcp", ()) is None


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_ipv6_is_looked_at_too() -> None:
    try:
        sock = listener("::1", socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with sock:
        assert not bindable("::1", port_of(sock))
        assert not bindable("[::1]", port_of(sock))
        assert not bindable("", port_of(sock))
        assert bindable("127.0.0.1", port_of(sock))
        assert holder(port_of(sock), "::1", "tcp", ()) is not None


def test_udp_and_tcp_are_apart() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = port_of(sock)
        assert not bindable("127.0.0.1", port, "udp")
        assert bindable("127.0.0.1", port, "tcp")
        found = holder(port, "127.0.0.1", "udp", ())
    assert found is not None
    assert found.pid == os.getpid()


def test_the_remains_of_a_closed_connection_are_not_in_the_way() -> None:
    with listener() as sock:
        port = port_of(sock)
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = sock.accept()
            accepted.close()
    assert bindable("127.0.0.1", port)


def test_an_address_of_another_machine_cannot_be_bound() -> None:
    assert not bindable("192.0.2.1", 8080)


def test_a_container_is_named_with_its_project() -> None:
    held = container(bindings=(Binding(80, "tcp", "127.0.0.1", 8080),), labels={labels.PROJECT: "shop", labels.SERVICE: "web"})
    assert holder(8080, "127.0.0.1", "tcp", [held]) == Holder(container="c", id="1" * 64, project="shop", service="web")
    assert holder(8080, "0.0.0.0", "tcp", [held]) is not None
    assert holder(8080, "127.0.0.2", "tcp", [held]) is None
    assert holder(8080, "127.0.0.1", "udp", [held]) is None


@pytest.mark.engine
def test_a_published_port_is_in_the_way_and_its_container_named(
    engine: Engine, project: str, require_image: Callable[[str], str]
) -> None:
    require_image(IMAGE)
    up(engine, stack(project, service("web", ports=(Port(80, host_ip="127.0.0.1"),))))
    port = engine.containers(project)[0].bindings[0].published
    assert not bindable("127.0.0.1", port)
    found = holder(port, "127.0.0.1", "tcp", engine.containers())
    assert found is not None
    assert (found.container, found.project) == (f"{project}-web-1", project)
