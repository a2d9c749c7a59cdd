"""Runs devstack in this process and writes down every HTTP call: `tracer.py FILE ARGUMENT...`. Used by `--profile`.

It listens below the SDK, in the standard library's HTTP client, so devstack's own code runs as it is.
"""

import time

ZERO = time.monotonic()

import http.client  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from typing import Any, NoReturn  # noqa: E402

CALLS: list[dict[str, Any]] = []
OPEN: dict[int, dict[str, Any]] = {}


def listen() -> None:
    """Note when a request's first line is sent and when its answer's header is there."""
    put, get = http.client.HTTPConnection.putrequest, http.client.HTTPConnection.getresponse

    def putrequest(self: Any, method: str, url: str, *rest: Any, **named: Any) -> None:
        thread = threading.current_thread().name
        call = {"begun": time.monotonic() - ZERO, "took": 0.0, "thread": thread, "what": f"{method} {url[:140]}"}
        OPEN[id(self)] = call
        CALLS.append(call)
        put(self, method, url, *rest, **named)

    def getresponse(self: Any) -> Any:
        answer = get(self)
        call = OPEN.pop(id(self), None)
        if call is not None:
            call["took"] = time.monotonic() - ZERO - call["begun"]
            call["what"] += f" -> {answer.status}"
        return answer

    http.client.HTTPConnection.putrequest = putrequest  # type: ignore[method-assign]
    http.client.HTTPConnection.getresponse = getresponse  # type: ignore[method-assign]


def main() -> NoReturn:
    file, sys.argv = sys.argv[1], ["devstack", *sys.argv[2:]]
    listen()
    leave = os._exit

    def ending(status: int) -> NoReturn:
        with open(file, "w") as out:
            json.dump({"total": time.monotonic() - ZERO, "calls": CALLS}, out)
        leave(status)

    # devstack leaves without waiting for its threads, or by SystemExit; this is the last moment to write.
    os._exit = ending
    sys.path.pop(0)  # this folder: it has a module called profile, as the standard library does
    from devstack.cli import main as run

    try:
        run()
    except SystemExit as end:
        ending(end.code if isinstance(end.code, int) else 0)


if __name__ == "__main__":
    main()
