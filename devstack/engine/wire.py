"""The one connection to the engine: the SDK's low-level client, with retries and translated errors."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import docker
import docker.constants
import docker.tls
import requests

from devstack.engine.observed import Endpoint
from devstack.engine.translate import dropped, translated
from devstack.engine.tunnel import Tunnel
from devstack.errors import EngineError

T = TypeVar("T")
Params = dict[str, str | int]
"""The query of a request."""

FIRST_ANSWER = 10.0
"""Seconds an engine has to answer at all; one that accepts and is silent is none."""
BACKOFF = (0.1, 0.3, 0.9)
"""Seconds before each retry of a request that may be repeated."""


class Wire:
    """What every other module here calls the engine through. `api` is the version spoken, such as (1, 51).

    `endpoint` is where the engine is, `line` where it is reached: the same, or the near end of a tunnel.
    """

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self._tunnel = Tunnel(endpoint.url) if endpoint.url.startswith("ssh://") else None
        self.line = replace(endpoint, url=self._tunnel.url) if self._tunnel else endpoint
        try:
            with translated(f"connecting to {endpoint}"):
                self.client = _client(self.line, timeout)
                major, _, minor = self.client.api_version.partition(".")
                self.api = (int(major), int(minor))
        except EngineError as error:
            said = self._tunnel.said() if self._tunnel else ""
            self._close_tunnel()
            raise EngineError(said or error.message, hints=error.hints) from error

    @cached_property
    def version(self) -> dict[str, Any]:
        """What the engine says of its parts."""
        return self.again("asking the engine for its version", lambda c: c.version(api_version=False))

    def call(self, doing: str, request: Callable[[docker.APIClient], T]) -> T:
        """One request that must not be repeated: a lost reply is an error."""
        with translated(doing):
            return request(self.client)

    def again(self, doing: str, request: Callable[[docker.APIClient], T]) -> T:
        """One request that may be repeated: asked up to four times when the connection drops."""
        with translated(doing):
            for pause in BACKOFF:
                try:
                    return request(self.client)
                except Exception as error:
                    if not dropped(error):
                        raise
                    time.sleep(pause)
            return request(self.client)

    def get(
        self, doing: str, path: str, read: Callable[[Any], T], *, params: Params | None = None, timeout: float | None = None
    ) -> T:
        """A GET that the SDK has no word for, its JSON read by `read`. `path` begins with a slash, without the version."""
        limit = timeout or self.timeout
        return self.again(doing, lambda c: read(_checked(c.get(self.url(path), params=params, timeout=limit)).json()))

    def post(self, doing: str, path: str, *, params: Params | None = None, timeout: float | None = None) -> None:
        """A POST without a body that may be repeated; 304 (nothing to do) is fine."""
        self.again(doing, lambda c: _checked(c.post(self.url(path), params=params, timeout=timeout or self.timeout)))

    def stream(self, doing: str, path: str, params: Params, *, timeout: float | None) -> requests.Response:
        """A GET whose body is read bit by bit. `timeout` is the longest silence between two bits, None for ever."""

        def request(client: docker.APIClient) -> requests.Response:
            response = _checked(client.get(self.url(path), params=params, stream=True, timeout=self.timeout))
            if (line := socket_of(response)) is not None:
                line.settimeout(timeout)
            return response

        return self.again(doing, request)

    def url(self, path: str) -> str:
        return f"{self.client.base_url}/v{self.client.api_version}{path}"

    def ping(self) -> None:
        """Raises `EngineError` when the engine is gone or frozen."""
        with translated("asking whether the engine is alive"):
            self.client.ping()

    def close(self) -> None:
        self.client.close()
        self._close_tunnel()

    def _close_tunnel(self) -> None:
        if self._tunnel is not None:
            self._tunnel.close()


def message(response: requests.Response) -> str:
    """The words of an error reply, whatever its shape."""
    try:
        return str(response.json()["message"])
    except (ValueError, LookupError, TypeError):
        return response.text.strip()


def socket_of(response: requests.Response) -> socket.socket | None:
    """The socket a streamed response comes from; None once it has been read to its end."""
    connection = getattr(response.raw, "connection", None)
    found = getattr(connection, "sock", None)
    return found if isinstance(found, socket.socket) else None


def pieces(doing: str, stream: Iterable[T]) -> Iterator[T]:
    """A stream of the SDK's with its errors translated; errors of whoever consumes it pass through untouched."""
    iterator = iter(stream)
    while True:
        with translated(doing):
            piece = next(iterator, None)
        if piece is None:
            return
        yield piece


def _client(endpoint: Endpoint, timeout: float) -> docker.APIClient:
    tls: docker.tls.TLSConfig | bool = False
    if endpoint.tls:
        ca, cert, key = (os.path.join(endpoint.tls, name) for name in ("ca.pem", "cert.pem", "key.pem"))  # noqa: PTH118
        tls = docker.tls.TLSConfig(client_cert=(cert, key), ca_cert=ca, verify=True)

    def speaking(version: str) -> docker.APIClient:
        made = docker.APIClient(
            endpoint.url,
            version=version,
            timeout=min(timeout, FIRST_ANSWER),  # type: ignore[arg-type]
            tls=tls,
            max_pool_size=32,
        )
        # Proxies and ~/.netrc are no concern of a socket on this machine, and looking for them costs a millisecond per request.
        made.trust_env = not endpoint.url.startswith("unix://")
        return made

    # A ping tells the newest version that the engine speaks; the SDK's own "auto" asks for /version, for which an engine runs programs.
    first = speaking(docker.constants.DEFAULT_DOCKER_API_VERSION)
    try:
        answer = _checked(first.get(f"{first.base_url}/_ping", timeout=min(timeout, FIRST_ANSWER)))
    finally:
        first.close()
    client = speaking(answer.headers.get("Api-Version") or "auto")
    client.timeout = timeout  # type: ignore[assignment]
    return client


def _checked(response: requests.Response) -> requests.Response:
    try:
        response.raise_for_status()
    except requests.exceptions.HTTPError as error:
        raise docker.errors.create_api_error_from_http_exception(error) from error
    return response
