"""A connection of our own to the engine, for streams that go both ways.

The SDK hands out the raw socket behind its HTTP response and loses what was read ahead of it; here the bytes after the response
header are kept, and the sending side can be closed while the other one is still read.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from devstack.engine.base import Endpoint
from devstack.errors import EngineError

QUIET = 15.0
"""Seconds of silence after which the engine is asked whether it is alive."""


class Refused(Exception):
    """The engine answered the upgrade with an error: its HTTP status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class Duplex:
    """Bytes both ways. `receive` gives b"" at the end. `alive` raises when the engine is gone; it is called after long silence."""

    def __init__(self, connection: socket.socket, ahead: bytes, alive: Callable[[], None]) -> None:
        self._connection = connection
        self._ahead = ahead
        self._alive = alive

    def fileno(self) -> int:
        return self._connection.fileno()

    @property
    def pending(self) -> bool:
        """Whether bytes are here that `select` on the file number does not show."""
        tls = isinstance(self._connection, ssl.SSLSocket) and self._connection.pending() > 0
        return bool(self._ahead) or tls

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def send_some(self, data: bytes) -> int:
        """Send what fits now."""
        return self._connection.send(data)

    def half_close(self) -> None:
        """End of our input. TLS cannot say so; there the far side waits until we close."""
        if not isinstance(self._connection, ssl.SSLSocket):
            try:
                self._connection.shutdown(socket.SHUT_WR)
            except OSError:
                return

    def receive(self, size: int = 65536) -> bytes:
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            return ahead
        while not self.pending and not readable(self._connection, QUIET):
            self._alive()
        return self._connection.recv(size)

    def exactly(self, size: int) -> bytes:
        """`size` bytes, or b"" when the stream ends before them."""
        parts: list[bytes] = []
        while size:
            piece = self.receive(size)
            if len(piece) > size:
                piece, self._ahead = piece[:size], piece[size:]
            if not piece:
                return b""
            parts.append(piece)
            size -= len(piece)
        return b"".join(parts)

    def close(self) -> None:
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            self._connection.close()
        self._connection.close()


def readable(connection: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(seconds * 1000))


def upgrade(endpoint: Endpoint, path: str, body: Mapping[str, object], *, timeout: float, alive: Callable[[], None]) -> Duplex:
    """POST `body` to `path` and keep the connection as a raw stream. Raises `Refused`, `OSError` or `EngineError`."""
    connection = _connect(endpoint, timeout)
    payload = json.dumps(body).encode()
    header = (
        f"POST {path} HTTP/1.1\r\nHost: engine\r\nUser-Agent: devstack\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    try:
        connection.sendall(header.encode() + payload)
        ahead = _answer(connection, timeout)
    except BaseException:
        connection.close()
        raise
    connection.settimeout(None)
    return Duplex(connection, ahead, alive)


def _connect(endpoint: Endpoint, timeout: float) -> socket.socket:
    parts = urlsplit(endpoint.url)
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(endpoint.url.removeprefix("unix://"))
        return connection
    if parts.scheme not in ("tcp", "http", "https"):
        raise EngineError(f"commands cannot be run over {parts.scheme}://", hints=["use a unix://, tcp:// or ssh:// endpoint"])
    plain = socket.create_connection((parts.hostname or "localhost", parts.port or 2375), timeout)
    if not endpoint.tls and parts.scheme != "https":
        return plain
    context = ssl.create_default_context()
    if endpoint.tls:
        folder = Path(endpoint.tls)
        context.load_verify_locations(folder / "ca.pem")
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context.wrap_socket(plain, server_hostname=parts.hostname)


def _answer(connection: socket.socket, timeout: float) -> bytes:
    """Reads the response's header; gives the bytes that came after it."""
    deadline, data = time.monotonic() + timeout, b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece or time.monotonic() > deadline or len(data) > 1_000_000:
            raise ConnectionResetError("the engine closed the connection before it answered")
        data += piece
    header, _, rest = data.partition(b"\r\n\r\n")
    words = header.split(b"\r\n", 1)[0].split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    if status in (101, 200):
        return rest
    connection.settimeout(1.0)
    raise Refused(status, _refusal(connection, rest))


def _refusal(connection: socket.socket, body: bytes) -> str:
    """The message of an error reply. Its body is one short JSON object, whole or in chunks."""
    while True:
        text = body.decode(errors="replace")
        message = _message(text)
        if message:
            return message
        try:
            piece = connection.recv(65536)
        except OSError:
            piece = b""
        if not piece:
            return text.strip()
        body += piece


def _message(text: str) -> str:
    start = text.find("{")
    if start < 0:
        return ""
    try:
        return str(json.JSONDecoder().raw_decode(text[start:])[0]["message"])
    except (ValueError, LookupError, TypeError):
        return ""
