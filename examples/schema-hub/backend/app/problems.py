"""Every error leaves the service as application/problem+json (RFC 9457)."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app.database import reason_of

UNDEFINED_TABLE = "42P01"
BAD_DATA_CLASS = "22"  # text with NUL, JSON PostgreSQL cannot store, ...
CONSTRAINT_CLASS = "23"
ROLLED_BACK_CLASS = "40"  # a deadlock with another request
# Connection lost, wrong password, no such database, out of connections, shutting down.
UNUSABLE_CLASSES = ("08", "28", "3D", "53", "57P")


class Problem(BaseModel):
    """`errors` only where fields are to blame."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, str]] | None = None


class WrongField(Exception):
    """A field whose value fits its type, but not what is in the database."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where
        self.message = message


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
    return JSONResponse(
        body.model_dump(exclude_none=True), status, media_type="application/problem+json"
    )


async def on_http_error(request: Request, error: HTTPException) -> JSONResponse:
    response = problem(request, error.status_code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def on_invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
    errors = [
        {"where": ".".join(str(part) for part in entry["loc"]), "message": entry["msg"]}
        for entry in error.errors()
    ]
    return wrong(request, errors)


async def on_wrong_field(request: Request, error: WrongField) -> JSONResponse:
    return wrong(request, [{"where": error.where, "message": error.message}])


def wrong(request: Request, errors: list[dict[str, str]]) -> JSONResponse:
    detail = "; ".join(f"{entry['where']}: {entry['message']}" for entry in errors)
    return problem(request, 422, detail, errors)


async def on_database_error(request: Request, error: SQLAlchemyError) -> JSONResponse:
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    reason = reason_of(error)
    if state == UNDEFINED_TABLE:
        return problem(request, 503, f"{reason}; the migrations have not been applied")
    if state.startswith(BAD_DATA_CLASS):
        return problem(request, 422, reason)
    if state.startswith((CONSTRAINT_CLASS, ROLLED_BACK_CLASS)):
        return problem(request, 409, reason)
    connection_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if connection_lost or isinstance(error, PoolTimeoutError) or state.startswith(UNUSABLE_CLASSES):
        return problem(request, 503, f"the database cannot be used: {reason}")
    raise error


async def on_no_connection(request: Request, error: OSError) -> JSONResponse:
    """asyncpg lets the socket's own errors through while connecting."""
    return problem(request, 503, request.app.state.database.unreachable(error))


def install(app: FastAPI) -> None:
    app.exception_handler(HTTPException)(on_http_error)
    app.exception_handler(RequestValidationError)(on_invalid_request)
    app.exception_handler(WrongField)(on_wrong_field)
    app.exception_handler(SQLAlchemyError)(on_database_error)
    # TimeoutError is an OSError too.
    app.exception_handler(OSError)(on_no_connection)
