"""Every line of the log is a JSON object, with the request and the run that it belongs to."""

import json
import logging
import re
import time
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: What the lines of one request have in common. A dict, because what a worker thread adds (its
#: context is a copy) has to be seen by the line that the middleware writes at the end.
about: ContextVar[dict[str, str] | None] = ContextVar("about", default=None)
log = logging.getLogger("server.access")


def bind(**names: str) -> None:
    """From here on, the lines of this request carry these too."""
    current = about.get()
    if current is not None:
        current.update(names)


def request_id() -> str | None:
    return (about.get() or {}).get("request_id")


class JsonFormatter(logging.Formatter):
    """time, level, logger, message; request_id and run_id where there are; what `extra` gives."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **(about.get() or {}),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class Logged:
    """One line a request, and its id: the caller's own, or a new one; the answer carries it."""

    def __init__(self, app: ASGIApp, quiet: frozenset[str] = frozenset()) -> None:
        self.app = app
        self.quiet = quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        name = given if ACCEPTABLE_ID.fullmatch(given) else str(uuid.uuid4())
        token = about.set({"request_id": name})
        begun = time.perf_counter()
        status = 500
        started = False

        async def with_its_id(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status = message["status"]
                started = True
                MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        try:
            await self.app(scope, receive, with_its_id)
        except Exception:
            # Here, where the log still knows the request. The caller gets no more than its id.
            log.exception("the server failed")
            if started:
                raise
            await failed(scope, name)(scope, receive, with_its_id)
        finally:
            # Probes that go well come several a second and would bury everything else.
            if status >= 400 or scope["path"] not in self.quiet:
                log.info("request", extra={"fields": fields_of(scope, status, begun)})
            about.reset(token)


def fields_of(scope: Scope, status: int, begun: float) -> dict[str, Any]:
    return {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "milliseconds": round(1000 * (time.perf_counter() - begun), 1),
    }


def failed(scope: Scope, name: str) -> JSONResponse:
    body = {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": f"the server failed; its log says how, under request_id {name}",
        "instance": scope["path"],
    }
    return JSONResponse(body, 500, media_type="application/problem+json")
