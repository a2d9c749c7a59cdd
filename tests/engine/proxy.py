"""A faulty line to the engine: a Unix socket that passes requests on, and lets chosen ones go wrong."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from devstack.engine.base import Endpoint


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` requests that match ("POST /containers/create"); the API version in paths is left out."""

    matches: str
    times: int = 1
    status: int = 0
    message: str = "injected"
    reset_before: bool = False
    reset_after: bool = False
    truncate: int = 0
    delay: float = 0.0
    body: bytes = b""
    rewrite: Callable[[bytes], bytes] | None = None


@dataclass(slots=True)
class Proxy:
    """`requests` are all that came through, as "METHOD /path"."""

    path: Path
    target: str
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _listener: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_UNIX))

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(f"unix://{self.path}", "a test")

    def add(self, matches: str, **what: object) -> None:
        self.faults.append(Fault(matches, **what))  # type: ignore[arg-type]

    def count(self, matches: str) -> int:
        return sum(bool(re.search(matches, request)) for request in self.requests)

    def serve(self) -> None:
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._guarded, args=(client,), daemon=True).start()

    def _guarded(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self._one(client)
            # Closing alone would not hang up while another thread still reads.
            client.shutdown(socket.SHUT_RDWR)

    def _one(self, client: socket.socket) -> None:
        head, rest = _head(client)
        if not head:
            return
        first = head.split(b"\r\n", 1)[0].decode()
        method, path, _ = first.split(" ", 2)
        name = f"{method} {re.sub(r'^/v[0-9.]+', '', path)}"
        self.requests.append(name)
        fault = self._fault(name)
        if fault.delay:
            time.sleep(fault.delay)
        if fault.reset_before:
            return
        if fault.status or fault.body:
            body = fault.body or f'{{"message":"{fault.message}"}}'.encode()
            status = fault.status or 200
            client.sendall(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nConnection: close\r\n" % status)
            client.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            return
        if b"Upgrade:" not in head:
            head = re.sub(rb"\r\nConnection: [^\r]*", b"", head) + b"\r\nConnection: close"
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self.target)
            engine.sendall(head + b"\r\n\r\n" + rest)
            threading.Thread(target=_pump, args=(client, engine), daemon=True).start()
            if fault.reset_after or fault.truncate or fault.rewrite:
                answer = _all(engine)
                if fault.rewrite:
                    client.sendall(fault.rewrite(answer))
                elif fault.truncate:
                    client.sendall(answer[: -fault.truncate])
            else:
                _pump(engine, client)

    def _fault(self, name: str) -> Fault:
        for fault in self.faults:
            if fault.times > 0 and re.search(fault.matches, name):
                fault.times -= 1
                return fault
        return Fault("")


def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b"", b""
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _pump(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)


def _all(connection: socket.socket) -> bytes:
    parts = []
    while data := connection.recv(65536):
        parts.append(data)
    return b"".join(parts)


@contextmanager
def proxied(endpoint: Endpoint, folder: Path) -> Iterator[Proxy]:
    proxy = Proxy(folder / "p.sock", endpoint.url.removeprefix("unix://"))
    proxy.serve()
    try:
        yield proxy
    finally:
        proxy.close()
