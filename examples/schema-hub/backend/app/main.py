"""The schema hub's API."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import problems
from app.config import Settings, get_settings
from app.database import Database
from app.rate_limit import Buckets, RateLimited
from app.routes import drafts, entities, modules, operations, profiles


def create_app(settings: Settings) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Connects on first use: without its database the service starts, and says what is wrong.
        app.state.settings = settings
        app.state.database = Database(settings)
        if settings.create_tables:
            await app.state.database.create_tables()
        logging.getLogger("uvicorn.access").addFilter(worth_a_line)
        yield
        await app.state.database.close()

    app = FastAPI(title="Schema hub", version="1.0.0", lifespan=lifespan)
    if settings.rate_limit_per_second:
        buckets = Buckets(settings.rate_limit_per_second, settings.rate_limit_burst)
        app.add_middleware(RateLimited, buckets=buckets, exempt={"/health"})
    problems.install(app)
    for noun in (operations, entities, modules, profiles, drafts):
        app.include_router(noun.router)
    return app


def worth_a_line(record: logging.LogRecord) -> bool:
    """False for the probes that go well: several a second would bury everything else."""
    match record.args:
        case (_, _, "/health", _, 200):
            return False
    return True


app = create_app(get_settings())
