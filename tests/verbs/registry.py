"""An image registry in this process: as much of the distribution protocol as an engine needs to push to it and pull from it."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Store(ThreadingHTTPServer):
    """Blobs by digest, manifests by (repository, tag or digest) with their type."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.blobs: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Store

    def log_message(self, *_: object) -> None:
        return

    def answer(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def place(self) -> tuple[str, str, str]:
        """(repository, "blobs" or "manifests", what)."""
        parts = urlsplit(self.path).path.removeprefix("/v2/").split("/")
        kind = next((word for word in ("blobs", "manifests") if word in parts), "")
        if not kind:
            return "", "", ""
        at = parts.index(kind)
        return "/".join(parts[:at]), kind, "/".join(parts[at + 1 :])

    def do_GET(self) -> None:
        name, kind, what = self.place()
        if not kind:
            self.answer(200)
        elif kind == "blobs" and what in self.server.blobs:
            self.answer(200, self.server.blobs[what], Docker_Content_Digest=what)
        elif kind == "manifests" and (name, what) in self.server.manifests:
            media, content = self.server.manifests[name, what]
            self.answer(200, content, Content_Type=media, Docker_Content_Digest=digest(content))
        else:
            self.answer(
                404, b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}', Content_Type="application/json"
            )

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.body()
        name, _, _ = self.place()
        number = secrets.token_hex(8)
        self.server.uploads[number] = b""
        self.answer(202, Location=f"/v2/{name}/blobs/uploads/{number}", Docker_Upload_UUID=number)

    def do_PATCH(self) -> None:
        number = urlsplit(self.path).path.rsplit("/", 1)[-1]
        self.server.uploads[number] += self.body()
        self.answer(202, Location=urlsplit(self.path).path, Range=f"0-{len(self.server.uploads[number]) - 1}")

    def do_PUT(self) -> None:
        name, kind, what = self.place()
        body = self.body()
        if kind == "manifests":
            for key in (what, digest(body)):
                self.server.manifests[name, key] = (self.headers["Content-Type"], body)
            self.answer(201, Docker_Content_Digest=digest(body))
            return
        content = self.server.uploads.pop(what.rsplit("/", 1)[-1]) + body
        self.server.blobs[parse_qs(urlsplit(self.path).query)["digest"][0]] = content
        self.answer(201, Docker_Content_Digest=digest(content))


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextmanager
def registry() -> Iterator[Store]:
    store = Store()
    threading.Thread(target=store.serve_forever, daemon=True).start()
    try:
        yield store
    finally:
        store.shutdown()
        store.server_close()
