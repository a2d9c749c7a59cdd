"""So many requests a second for each client, and 429 with Retry-After beyond that.

The counts are in this process's memory. That is fast and needs no table, and it has limits: they
begin anew when the process does, several processes count apart, and a client is an address, so
everybody behind one proxy (or behind the engine's bridge) shares a bucket.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.problems import problem

#: Beyond this many clients the one that has been quiet longest is forgotten: memory stays bounded.
MOST_CLIENTS = 10_000


class Buckets:
    """A token bucket for each client: `burst` tokens, refilled at `per_second`."""

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second = per_second
        self.burst = burst
        self.clock = clock
        #: client -> (tokens, when they were counted), the quietest client first
        self.filled: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Take a token; 0 when there was one, else the seconds until there is."""
        now = self.clock()
        tokens, counted = self.filled.pop(client, (float(self.burst), now))
        tokens = min(self.burst, tokens + (now - counted) * self.per_second)
        allowed = tokens >= 1
        self.filled[client] = (tokens - 1 if allowed else tokens, now)
        if len(self.filled) > MOST_CLIENTS:
            self.filled.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) / self.per_second


class RateLimited:
    """The middleware. `exempt` paths cost nothing: the engine's probes must always get through."""

    def __init__(self, app: ASGIApp, buckets: Buckets, exempt: set[str]) -> None:
        self.app = app
        self.buckets = buckets
        self.exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in self.exempt:
            # X-Forwarded-For is not looked at: whoever calls could write anything into it.
            client = scope["client"][0] if scope["client"] else ""
            wait = self.buckets.take(client)
            if wait:
                await self.refuse(wait, scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def refuse(self, wait: float, scope: Scope, receive: Receive, send: Send) -> None:
        seconds = math.ceil(wait)
        detail = (
            f"more than {self.buckets.per_second:g} requests a second; try again in {seconds} s"
        )
        response = problem(Request(scope), 429, detail)
        response.headers["Retry-After"] = str(seconds)
        await response(scope, receive, send)
