"""What happens to the containers of a project, as it happens."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import requests

from devstack import labels
from devstack.engine import observing
from devstack.engine.base import Event
from devstack.engine.translate import FAMILIES, translated
from devstack.engine.wire import Params, Wire, socket_of

ACTIONS = ["create", "start", "restart", "die", "oom", "kill", "stop", "destroy", "pause", "unpause", "rename", "health_status"]
"""What is listened for; every probe of every container makes three more events, which would only be noise."""


class Watch:
    """The events of a project's containers (`devstack.engine.base.Engine.watch`).

    A stream that ends without being closed by us is subscribed again, and then one `Event(lost=True)` is yielded: who looks at the
    state after that misses nothing. When the engine cannot be reached any more, the iterator raises `EngineError`.
    """

    def __init__(self, wire: Wire, project: str) -> None:
        self._wire, self._project = wire, project
        self._response: requests.Response | None = None
        self._closed = False

    def __enter__(self) -> Iterator[Event]:
        self._subscribe()
        return self._events()

    def __exit__(self, *_: object) -> None:
        self._closed = True
        if self._response is not None:
            _hang_up(self._response)

    def _subscribe(self) -> None:
        params: Params = {
            "filters": json.dumps({"type": ["container"], "event": list(ACTIONS), "label": [f"{labels.PROJECT}={self._project}"]}),
        }
        if self._wire.endpoint.local:
            # The engine answers a moment before it listens to itself; what happens in that moment it replays from here on.
            params["since"] = f"{time.time():.9f}"
        self._response = self._wire.stream("waiting for events", "/events", params, timeout=None)

    def _events(self) -> Iterator[Event]:
        while not self._closed:
            assert self._response is not None
            for line in self._received(self._response):
                with translated("reading an event"):
                    event = observing.event(json.loads(line))
                yield event
            if not self._closed:
                self._subscribe()
                yield Event(action="lost", time=time.time(), lost=True)

    def _received(self, response: requests.Response) -> Iterator[bytes]:
        """Lines until the stream ends, however it ends: only closing it ourselves and losing it differ, and `_closed` tells."""
        rest = b""
        while True:
            try:
                data = response.raw.read1(65536)
            except FAMILIES:
                # Closing the socket under a reader surfaces as any of several errors, and so does the engine's death.
                return
            if not data:
                return
            *whole, rest = (rest + data).split(b"\n")
            yield from (line for line in whole if line.strip())


def _hang_up(response: requests.Response) -> None:
    """Wake a reader blocked in another thread: closing the response alone would wait for it."""
    line = socket_of(response)
    if line is not None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
    response.close()
