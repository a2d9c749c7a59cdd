"""AgentOS: the service that runs HYVVE's agents."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from catalogue import AGENTS
from settings import Settings, read_settings
from stores import Stores, Unavailable
from worker import work

VERSION = "1.0.0"
log = logging.getLogger("uvicorn.error")
bearer = HTTPBearer(auto_error=False)


def create_app(settings: Settings) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        logging.getLogger("uvicorn.access").addFilter(worth_a_line)
        for problem in settings.problems:
            log.error("the environment is not usable: %s", problem)
        # Both connect on first use: without them the service starts, and says what is wrong.
        stores = Stores(settings)
        app.state.settings = settings
        app.state.stores = stores
        worker = None if settings.problems else asyncio.create_task(work(stores))
        app.state.worker = worker
        yield
        if worker is not None:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker
        await stores.close()

    app = FastAPI(title="AgentOS", version=VERSION, lifespan=lifespan)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET"],
        allow_headers=["authorization", "content-type"],
    )
    app.exception_handler(Unavailable)(on_unavailable)
    app.get("/")(about)
    app.get("/health")(health)
    app.get("/runs")(runs)
    return app


async def on_unavailable(request: Request, error: Unavailable) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 503)


def worth_a_line(record: logging.LogRecord) -> bool:
    """False for the probes that go well: several a second would bury everything else."""
    match record.args:
        case (_, _, "/health", _, 200):
            return False
    return True


async def about() -> dict[str, Any]:
    """Which service this is, and which agents it has."""
    return {"service": "AgentOS", "version": VERSION, "agents": sorted(AGENTS)}


async def health(request: Request) -> JSONResponse:
    """200 when all that the service needs is there; else 503, and what is missing."""
    settings: Settings = request.app.state.settings
    if settings.problems:
        return JSONResponse({"status": "unhealthy", "environment": settings.problems}, 503)
    stores: Stores = request.app.state.stores
    database, redis = await asyncio.gather(stores.database_trouble(), stores.redis_trouble())
    worker = "stopped" if request.app.state.worker.done() else "ok"
    body = {
        "status": "healthy" if (database, redis, worker) == (None, None, "ok") else "unhealthy",
        "environment": "ok",
        "database": database or "ok",
        "redis": redis or "ok",
        "worker": worker,
    }
    return JSONResponse(body, 200 if body["status"] == "healthy" else 503)


async def workspace_of(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> UUID:
    """The workspace that apps/api signed the request for."""
    settings: Settings = request.app.state.settings
    if not settings.auth_secret:
        raise HTTPException(503, "BETTER_AUTH_SECRET is not set")
    if given is None:
        raise HTTPException(
            401, "a bearer token of apps/api is needed", {"WWW-Authenticate": "Bearer"}
        )
    try:
        claims = jwt.decode(
            given.credentials,
            settings.auth_secret,
            algorithms=["HS256"],
            audience="agentos",
            options={"require": ["exp", "aud", "workspace"]},
        )
        return UUID(claims["workspace"])
    except (jwt.PyJWTError, ValueError, AttributeError, TypeError) as error:
        raise HTTPException(
            401, f"the token is not valid: {error}", {"WWW-Authenticate": "Bearer"}
        ) from None


async def runs(
    request: Request,
    workspace: Annotated[UUID, Depends(workspace_of)],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """The newest runs of the token's workspace."""
    stores: Stores = request.app.state.stores
    return {"items": await stores.runs_of(workspace, limit)}


app = create_app(read_settings())
