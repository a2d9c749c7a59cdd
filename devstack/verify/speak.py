"""Speaking to a published port in its own protocol.

A connection that is merely accepted proves nothing: the engine's proxy accepts before the program does.
"""

from __future__ import annotations

import http.client
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from devstack.compose.model import EMPTY, Service
from devstack.compose.roles import Postgres, Redis, role_of
from devstack.engine.base import Binding, Container
from devstack.errors import DevstackError
from devstack.status import NOT_HTTP
from devstack.verify.base import Ground

PATIENCE = 5.0
LARGEST = 5_000_000
"""Bytes of an HTTP answer that are read."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was expected of a port, what was seen, and whether that is wrong."""

    expected: str
    saw: str
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    text: str


def host_of(ground: Ground, binding: Binding) -> str:
    """The address a binding is reached at from here."""
    endpoint = ground.engine.info.endpoint
    if not endpoint.local:
        from urllib.parse import urlsplit

        return urlsplit(endpoint.url).hostname or "127.0.0.1"
    return "127.0.0.1" if binding.host_ip in ("", "0.0.0.0", "::", "127.0.0.1") else binding.host_ip


def http_address(ground: Ground, service: Service, container: Container, number: int | None) -> tuple[str, int]:
    """Where a service's port answers: as it is published or, on this machine's own Linux engine, in its container.

    `number` is the port in the container or as declared; None: the first one. Raises `DevstackError` where there is no way from here.
    """
    targets = {p.target for p in service.ports if number is not None and str(number) in (p.published, str(p.target))}
    for binding in container.bindings:
        if binding.published and binding.protocol == "tcp" and (number is None or binding.target in targets | {number}):
            return host_of(ground, binding), binding.published
    port = number or next((int(text) for e in service.expose if (text := e.partition("/")[0]).isdigit()), None)
    address = next((ip for ip in container.networks.values() if ip), "")
    if port and address and ground.engine.info.endpoint.local and sys.platform == "linux":
        return address, port
    said = f"{service.name} publishes no port{f' {number}' if number else ''}"
    raise DevstackError(said, hints=[f"publish it: services.{service.name}.ports"], code="no-port")


def speak(ground: Ground, service: Service, container: Container, binding: Binding) -> Heard:
    """Say hello to one published port, as its program would expect it."""
    host = host_of(ground, binding)
    role = role_of(service, ground.stack.secrets)
    if isinstance(role, Postgres) and binding.target == role.port:
        return _postgres(ground, role, container)
    if isinstance(role, Redis) and binding.target == role.port:
        return redis(role, host, binding.published)
    if binding.protocol != "tcp":
        return Heard("a bound port", f"{binding.protocol} is bound; the protocol has no greeting to wait for")
    if binding.target in NOT_HTTP:
        return _tcp(host, binding.published)
    return _http(host, binding.published)


def _postgres(ground: Ground, role: Postgres, container: Container) -> Heard:
    from devstack.database.connection import connect
    from devstack.database.reach import target_of

    expected = f"PostgreSQL login as {role.user} to {role.database}"
    try:
        with connect(target_of(role, container, ground.engine.info.endpoint), application_name="devstack-verify") as connection:
            version = connection.version
    except DevstackError as error:
        return Heard(expected, error.message, wrong=True)
    return Heard(expected, f"PostgreSQL {version // 10000}.{version % 10000} answers")


def redis(role: Redis, host: str, port: int) -> Heard:
    """PING, after AUTH where a password is declared."""
    expected = "PONG to PING"
    try:
        with socket.create_connection((host, port), timeout=PATIENCE) as connection:
            connection.settimeout(PATIENCE)
            if role.password:
                connection.sendall(_resp("AUTH", role.password))
                answer = connection.recv(256)
                if not answer.startswith(b"+OK"):
                    return Heard(expected, f"AUTH was answered with {answer.decode(errors='replace').strip()}", wrong=True)
            connection.sendall(_resp("PING"))
            answer = connection.recv(256)
    except OSError as error:
        return Heard(expected, str(error), wrong=True)
    if answer.startswith(b"+PONG"):
        return Heard(expected, "PONG")
    return Heard(expected, f"it answered {answer.decode(errors='replace').strip() or 'nothing'}", wrong=True)


def _resp(*words: str) -> bytes:
    parts = [f"*{len(words)}\r\n"] + [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return "".join(parts).encode()


def request(
    host: str,
    port: int,
    *,
    method: str = "GET",
    path: str = "/",
    headers: Mapping[str, str] = EMPTY,
    body: bytes | None = None,
    timeout: float = PATIENCE,
) -> HttpAnswer:
    """One HTTP request. Raises `DevstackError` where no HTTP answer comes."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers={"Host": f"localhost:{port}", "User-Agent": "devstack", **headers})
        answer = connection.getresponse()
        return HttpAnswer(answer.status, answer.read(LARGEST).decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        why = "the connection is closed at once" if isinstance(error, http.client.RemoteDisconnected) else str(error) or repr(error)
        raise DevstackError(f"no HTTP answer from {host}:{port}: {why}", code="no-answer") from None
    finally:
        connection.close()


def _http(host: str, port: int) -> Heard:
    try:
        status = request(host, port).status
    except DevstackError as error:
        other = _tcp(host, port)  # a program that speaks something else keeps the line open, or greets
        return Heard("an answer", error.message, wrong=True) if other.wrong else Heard("an answer", f"no HTTP, but {other.saw}")
    if status >= 500:
        return Heard("an HTTP answer", f"GET / was answered with {status}", wrong=True)
    return Heard("an HTTP answer", f"GET / was answered with {status}")


def _tcp(host: str, port: int) -> Heard:
    """A program that is not there shows by the proxy hanging up at once; one that waits for us to speak keeps the line open."""
    expected = "a program that keeps the connection open"
    try:
        with socket.create_connection((host, port), timeout=PATIENCE) as connection:
            connection.settimeout(1.0)
            try:
                greeting = connection.recv(256)
            except TimeoutError:
                return Heard(expected, "it keeps the connection open")
    except OSError as error:
        return Heard(expected, str(error), wrong=True)
    return Heard(expected, "it greets") if greeting else Heard(expected, "the connection is closed at once", wrong=True)
