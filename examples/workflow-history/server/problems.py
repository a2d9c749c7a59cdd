"""Every error leaves the service as application/problem+json (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from server.database import reason_of
from server.schemas import Problem

UNDEFINED_TABLE = "42P01"
# Connection lost, wrong password, no such database, out of connections, shutting down.
UNUSABLE_CLASSES = ("08", "28", "3D", "53", "57P")
MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("server.problems")


def problem(
    request: Request, status: int, detail: str, errors: list[dict[str, str]] | None = None
) -> JSONResponse:
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        errors=errors,
    )
    return JSONResponse(body.model_dump(exclude_none=True), status, media_type=MEDIA_TYPE)


async def on_http_error(request: Request, error: HTTPException) -> JSONResponse:
    response = problem(request, error.status_code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def on_invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
    errors = [{"where": where(entry), "message": entry["msg"]} for entry in error.errors()]
    detail = "; ".join(f"{entry['where']}: {entry['message']}" for entry in errors)
    return problem(request, 422, detail, errors)


def where(entry: dict[str, Any]) -> str:
    # Names of fields are the caller's: a lone surrogate in one could not be sent back.
    return ".".join(str(part).encode(errors="replace").decode() for part in entry["loc"])


async def on_database_error(request: Request, error: SQLAlchemyError) -> JSONResponse:
    state = getattr(getattr(error, "orig", None), "pgcode", None) or ""
    reason = reason_of(error)
    if state == UNDEFINED_TABLE:
        first = reason.partition(" LINE ")[0]
        return problem(request, 503, f"{first}; the migrations have not been applied")
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    # psycopg2 gives no code where there was no connection.
    never = isinstance(error, OperationalError) and not state
    if lost or never or isinstance(error, PoolTimeoutError) or state.startswith(UNUSABLE_CLASSES):
        log.warning("the database cannot be used", extra={"fields": {"reason": reason}})
        return problem(request, 503, f"the database cannot be used: {reason}")
    raise error


def install(app: FastAPI) -> None:
    app.exception_handler(HTTPException)(on_http_error)
    app.exception_handler(RequestValidationError)(on_invalid_request)
    app.exception_handler(SQLAlchemyError)(on_database_error)
