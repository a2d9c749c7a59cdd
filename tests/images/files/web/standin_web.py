"""What the small servers among the stand-ins share: listening on IPv4 and IPv6 at once, and answering."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any


def listen(kind: type[TCPServer], address: tuple[str, int], handler: Any) -> Any:
    """A server of this kind; on all addresses it takes IPv6 too, as `localhost` may mean either."""
    host, port = address
    if host not in ("", "0.0.0.0", "::"):
        return kind((host, port), handler)

    class Dual(kind):  # type: ignore[valid-type, misc]
        address_family = socket.AF_INET6

        def server_bind(self) -> None:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            super().server_bind()

    try:
        return Dual(("::", port), handler)
    except OSError:  # a container without IPv6
        return kind(("0.0.0.0", port), handler)


def serve(server: Any) -> None:
    """Serve until SIGTERM or Ctrl-C; as PID 1 a program has to ask for the signal."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    server.serve_forever()


def place(text: str) -> tuple[str, int]:
    """HOST:PORT, with brackets around an IPv6 address."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: bytes = b"", kind: str = "text/plain", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        every = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
        for key, value in every.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def json(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.answer(status, json.dumps(value, default=str).encode(), "application/json", headers)

    def page(self, title: str, body: str) -> None:
        text = f"<!doctype html><title>{title}</title><h1>{title}</h1>{body}"
        self.answer(200, text.encode(), "text/html; charset=utf-8")

    def read_all(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
