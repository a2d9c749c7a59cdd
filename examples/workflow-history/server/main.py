"""The API: workflows that are kept in PostgreSQL, and the history of their runs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import anyio
import yaml
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from server import problems
from server.database import Pulse, SessionLocal, engine, reason_of
from server.logs import Logged
from server.routes import operations, runs, workflows
from server.runner import Runner
from server.settings import get_settings

CONTRACT = Path(__file__).parent.parent / "contracts" / "openapi.yaml"
SECONDS_BETWEEN_SETTLING = 60
log = logging.getLogger("server.main")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings = get_settings()
    app.state.pulse = Pulse(settings.db_timeout_seconds)
    app.state.runner = Runner(SessionLocal, settings)
    app.state.run_slots = anyio.CapacityLimiter(settings.run_concurrency)
    settling = asyncio.create_task(settle(app.state.runner))
    yield
    settling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await settling
    engine.dispose()


async def settle(runner: Runner) -> None:
    """Ends, now and then, what servers that were killed have left in the history as running."""
    while True:
        try:
            ended = await run_in_threadpool(runner.settle_abandoned)
            if ended:
                log.warning("abandoned runs were ended", extra={"fields": {"runs": ended}})
        except SQLAlchemyError as error:
            reason = reason_of(error)
            log.warning("abandoned runs not looked for", extra={"fields": {"reason": reason}})
        await asyncio.sleep(SECONDS_BETWEEN_SETTLING)


@lru_cache
def contract() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    return document


app = FastAPI(title="Workflow history", lifespan=lifespan)
app.add_middleware(Logged, quiet=frozenset({"/health"}))
problems.install(app)
for noun in (operations, workflows, runs):
    app.include_router(noun.router)
# What is agreed is what is served; the contract tests hold the code to it.
app.openapi = contract  # type: ignore[method-assign]
