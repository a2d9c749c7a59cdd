"""From a running container to an address that this machine can connect to."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from devstack.compose.roles import Postgres, Role
from devstack.database.outcome import not_running
from devstack.database.target import Target
from devstack.engine.base import Binding, Container, Endpoint, Engine, State
from devstack.errors import DatabaseError, NotFound

_EVERYWHERE = {"", "0.0.0.0", "::", "127.0.0.1", "::1"}
_INTERFACES = Path("/sys/class/net")
_AT_ONCE = 0.1
"""Seconds: nothing lies between, unless a firewall does."""
_ENDED = (State.EXITED, State.DEAD, State.REMOVING)


def target_of(role: Postgres, container: Container, endpoint: Endpoint, database: str = "", *, near: bool = False) -> Target:
    """Where the database answers: the port it publishes, or on this machine's own Linux engine the container's address.

    `database` names another one than the role's. `near` is for work with many questions: its sessions go around the engine's proxy
    where they can, which halves the time of each. Raises DatabaseError when there is no way from here.
    """
    host, port = address_of(role, container, endpoint)
    beside = _beside_the_proxy(role, container, endpoint) if near else None
    return Target(host, port, role.user, role.password, database or role.database, role.service, beside)


def _beside_the_proxy(role: Role, container: Container, endpoint: Endpoint) -> tuple[str, int] | None:
    """The container's own address, when its network's bridge is an interface of this very machine and it answers there.

    An address alone proves nothing: another engine, in a namespace or a virtual machine, may have given it too.
    """
    if not endpoint.local or sys.platform != "linux":
        return None
    for name, address in container.networks.items():
        if address and (_INTERFACES / f"br-{container.network_ids.get(name, '')[:12]}").exists():
            with suppress(OSError), socket.create_connection((address, role.port), timeout=_AT_ONCE):
                return address, role.port
    return None


def address_of(role: Role, container: Container, endpoint: Endpoint) -> tuple[str, int]:
    """Host and port where a database answers, as `target_of` finds them."""
    for binding in container.bindings:
        if binding.target == role.port and binding.protocol == "tcp" and binding.published:
            return _host(binding, endpoint), binding.published
    if not container.running:
        raise not_running(role.service)
    address = next((ip for ip in container.networks.values() if ip), "")
    if address and endpoint.local and sys.platform == "linux":
        return address, role.port
    raise DatabaseError(
        f"{role.service} publishes no port, so its database cannot be reached from here",
        hints=[f'publish the port: services.{role.service}.ports: ["127.0.0.1:{role.port}:{role.port}"]'],
    )


def ended(engine: Engine, container: str) -> Callable[[], bool]:
    """Asks whether this container, which ran a moment ago, has ended or was removed since."""

    def asked() -> bool:
        try:
            return engine.inspect(container).state in _ENDED
        except NotFound:
            return True

    return asked


def _host(binding: Binding, endpoint: Endpoint) -> str:
    if not endpoint.local:
        return urlsplit(endpoint.url).hostname or "127.0.0.1"
    if binding.host_ip not in _EVERYWHERE:
        return binding.host_ip
    return "::1" if binding.host_ip == "::1" else "127.0.0.1"
