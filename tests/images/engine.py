"""The engine's HTTP API over its socket: look at an image, load images.

Plain HTTP and not the docker CLI: a socket is all that every engine has (Debian trixie's docker.io has no CLI, Podman's
service has none either), and the two requests needed fit a page.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

_CHUNK = 1 << 20


class EngineError(Exception):
    """The engine does not answer, or said no."""


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def endpoint() -> str:
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def _connect() -> http.client.HTTPConnection:
    url = urlsplit(endpoint())
    if url.scheme == "unix":
        return _Unix(url.path)
    if url.scheme in ("tcp", "http") and not os.environ.get("DOCKER_TLS_VERIFY"):
        return http.client.HTTPConnection(url.hostname or "localhost", url.port or 2375)
    raise EngineError(f"DOCKER_HOST={endpoint()} is not a socket or plain TCP; set it to the engine's socket")


def image_labels(tag: str) -> dict[str, str] | None:
    """The labels of an image the engine has, None when it has none of that name."""
    found = _inspect(tag)
    return None if found is None else dict((found.get("Config") or {}).get("Labels") or {})


def image_id(tag: str) -> str | None:
    found = _inspect(tag)
    return None if found is None else str(found["Id"])


def _inspect(image: str) -> dict[str, Any] | None:
    status, body = _request("GET", f"/images/{quote(image, safe='/:')}/json")
    if status == 404:
        return None
    if status != 200:
        raise EngineError(f"{endpoint()}: image {image}: {status} {body[:300].decode(errors='replace')}")
    found: dict[str, Any] = json.loads(body)
    return found


def remove_unnamed(identity: str) -> None:
    """Remove an image that lost its last name; one that a container or another image stands on stays (409)."""
    found = _inspect(identity)
    if found is None or found.get("RepoTags"):
        return
    status, body = _request("DELETE", f"/images/{quote(identity, safe='/:')}")
    if status not in (200, 404, 409):
        raise EngineError(f"{endpoint()}: remove {identity}: {status} {body[:300].decode(errors='replace')}")


def registry_answers(seconds: float = 5) -> bool:
    """Whether the engine reaches the public registry: it is asked what a small image is, without pulling it."""
    try:
        return _request("GET", "/distribution/hello-world:latest/json", seconds=seconds)[0] == 200
    except EngineError as error:
        if isinstance(error.__cause__, TimeoutError):
            return False
        raise


def load(write: Callable[[tarfile.TarFile], None]) -> None:
    """Load a docker archive into the engine, streamed as it is written."""
    with _Pipe(write) as stream:
        status, body = _request("POST", "/images/load?quiet=1", stream)
    messages = [json.loads(line) for line in body.splitlines() if line.startswith(b"{")]
    errors = [str(message["error"]) for message in messages if "error" in message]
    if status != 200 or errors:
        raise EngineError(f"{endpoint()}: load: {status} {'; '.join(errors) or body[:300].decode(errors='replace')}")


def _request(method: str, path: str, body: Iterator[bytes] | None = None, seconds: float = 600) -> tuple[int, bytes]:
    connection = _connect()
    connection.timeout = seconds
    headers = {} if body is None else {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"}
    try:
        connection.request(method, path, body, headers, encode_chunked=body is not None)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError as error:
        raise EngineError(f"no container engine answers at {endpoint()}: {error}") from error
    finally:
        connection.close()


class _Pipe:
    """What a writer puts into a tar, as chunks to send; the writer runs in a thread of its own."""

    def __init__(self, write: Callable[[tarfile.TarFile], None]) -> None:
        reader, writer = os.pipe()
        self._reader = os.fdopen(reader, "rb", buffering=0)
        self._writer = os.fdopen(writer, "wb", buffering=_CHUNK)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._fill, args=(write,), daemon=True)

    def _fill(self, write: Callable[[tarfile.TarFile], None]) -> None:
        try:
            with self._writer, tarfile.open(fileobj=self._writer, mode="w|", bufsize=_CHUNK) as tar:
                write(tar)
        except (OSError, tarfile.TarError, ValueError) as error:  # handed to the thread that reads, below
            self._error = error

    def __enter__(self) -> Iterator[bytes]:
        self._thread.start()
        return self._chunks()

    def _chunks(self) -> Iterator[bytes]:
        while chunk := self._reader.read(_CHUNK):
            yield chunk
        self._thread.join()
        if self._error:
            raise self._error

    def __exit__(self, *_: object) -> None:
        self._reader.close()
