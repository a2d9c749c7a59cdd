"""The agent platform's API."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from app import problems
from app.database import Database
from app.metrics import Measured, Metrics
from app.routes import events, nodes, operations, runs, workflows
from app.settings import Settings, get_settings


def create_app(settings: Settings) -> FastAPI:
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Connects on first use: without its database the service starts, and says what is wrong.
        app.state.database = Database(settings)
        app.state.metrics = metrics
        logging.getLogger("uvicorn.access").addFilter(worth_a_line)
        yield
        await app.state.database.close()

    app = FastAPI(title="Agent platform", version="1.0.0", lifespan=lifespan)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["*"],
        allow_headers=["*"],
    )
    app.add_middleware(Measured, metrics=metrics)
    problems.install(app)
    for noun in (operations, workflows, runs, nodes, events):
        app.include_router(noun.router)
    return app


def worth_a_line(record: logging.LogRecord) -> bool:
    """False for the probes that go well: several a second would bury everything else."""
    match record.args:
        case (_, _, "/healthz" | "/metrics", _, 200):
            return False
    return True


app = create_app(get_settings())
