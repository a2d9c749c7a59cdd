"""reach: every published port answers from the host, in its own protocol.

A connection that is merely accepted proves nothing: the engine's proxy accepts before the program does.
"""

from __future__ import annotations

import http.client
import socket
import time

from devstack.compose.model import Service
from devstack.compose.roles import Postgres, Redis, role_of
from devstack.engine.base import Binding, Container
from devstack.errors import DevstackError
from devstack.status import NOT_HTTP
from devstack.verify.base import Ground, Result, failed, passed, skipped

PATIENCE = 5.0


def check(ground: Ground) -> list[Result]:
    """One result a published port."""
    results = [
        _one(ground, ground.stack.services[container.service], container, binding)
        for container in ground.containers()
        if container.service in ground.stack.services
        for binding in {(b.target, b.protocol): b for b in container.bindings if b.published}.values()
    ]
    return results or [skipped("reach", "published ports", "no service publishes a port")]


def _one(ground: Ground, service: Service, container: Container, binding: Binding) -> Result:
    begun = time.monotonic()
    declared = next((p.published for p in service.ports if p.target == binding.target), "")
    title = f"{service.name} port {binding.target} from the host"
    host = "127.0.0.1" if binding.host_ip in ("", "0.0.0.0", "::") else binding.host_ip
    expected, problem, saw = _speak(ground, service, container, binding, host)
    seconds = time.monotonic() - begun
    at = f"{host}:{binding.published}" + (f" (declared {declared})" if declared not in ("", str(binding.published)) else "")
    if problem:
        return failed("reach", title, expected=f"{expected} at {at}", saw=problem, seconds=seconds)
    return passed("reach", title, expected=f"{expected} at {at}", saw=saw, seconds=seconds)


def _speak(ground: Ground, service: Service, container: Container, binding: Binding, host: str) -> tuple[str, str, str]:
    """(what is expected, what is wrong or "", what was seen)."""
    role = role_of(service, ground.stack.secrets)
    if isinstance(role, Postgres) and binding.target == role.port:
        return _postgres(ground, role, container)
    if isinstance(role, Redis) and binding.target == role.port:
        return _redis(role, host, binding.published)
    if binding.protocol != "tcp":
        return "a bound port", "", f"{binding.protocol} is bound; the protocol has no handshake to test"
    if binding.target in NOT_HTTP:
        return _tcp(host, binding.published)
    return _http(host, binding.published)


def _postgres(ground: Ground, role: Postgres, container: Container) -> tuple[str, str, str]:
    from devstack.database.connection import connect
    from devstack.database.reach import target_of

    expected = f"PostgreSQL login as {role.user} to {role.database}"
    try:
        with connect(target_of(role, container, ground.engine.info.endpoint), application_name="devstack-verify") as connection:
            version = connection.version
    except DevstackError as error:
        return expected, error.message, ""
    return expected, "", f"PostgreSQL {version // 10000}.{version % 10000} answers"


def _redis(role: Redis, host: str, port: int) -> tuple[str, str, str]:
    expected = "PONG to PING"
    try:
        with socket.create_connection((host, port), timeout=PATIENCE) as connection:
            connection.settimeout(PATIENCE)
            if role.password:
                connection.sendall(_resp("AUTH", role.password))
                answer = connection.recv(256)
                if not answer.startswith(b"+OK"):
                    return expected, f"AUTH was answered with {answer.decode(errors='replace').strip()}", ""
            connection.sendall(_resp("PING"))
            answer = connection.recv(256)
    except OSError as error:
        return expected, str(error), ""
    return (expected, "", "PONG") if answer.startswith(b"+PONG") else (expected, f"it answered {answer!r}", "")


def _resp(*words: str) -> bytes:
    parts = [f"*{len(words)}\r\n"] + [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return "".join(parts).encode()


def _http(host: str, port: int) -> tuple[str, str, str]:
    expected = "an HTTP answer"
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.request("GET", "/", headers={"Host": "localhost"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return expected, f"no HTTP answer: {error!r}", ""
    finally:
        connection.close()
    if status >= 500:
        return expected, f"GET / was answered with {status}", ""
    return expected, "", f"GET / was answered with {status}"


def _tcp(host: str, port: int) -> tuple[str, str, str]:
    """A program that is not there shows by the proxy hanging up at once; one that waits for us to speak keeps the line open."""
    expected = "a program that keeps the connection open"
    try:
        with socket.create_connection((host, port), timeout=PATIENCE) as connection:
            connection.settimeout(1.0)
            try:
                greeting = connection.recv(256)
            except TimeoutError:
                return expected, "", "it keeps the connection open"
    except OSError as error:
        return expected, str(error), ""
    return (expected, "", "it greets") if greeting else (expected, "the connection is closed at once", "")
