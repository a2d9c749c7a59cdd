"""The engine, its sessions, and whether the database answers."""

import asyncio
import re
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from starlette.concurrency import run_in_threadpool

from server.settings import Settings, get_settings

SEVERITY = re.compile(r"\b(?:FATAL|ERROR): +")


class Base(DeclarativeBase):
    """The tables; `Base.metadata` is what Alembic compares the database with."""


def new_engine(settings: Settings) -> Engine:
    """Connects on first use: without its database the service starts, and says what is wrong."""
    return create_engine(
        settings.sqlalchemy_url,
        pool_size=settings.db_pool_size,
        max_overflow=settings.db_max_overflow,
        # A database that stands still for a while makes answers late, not wrong.
        pool_timeout=5 * settings.db_timeout_seconds,
        # A connection that died with the database is replaced, not handed out.
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": settings.db_timeout_seconds,
            "application_name": "workflow-history",
        },
    )


engine = new_engine(get_settings())
SessionLocal = sessionmaker(engine, autoflush=False, expire_on_commit=False)


def get_db() -> Iterator[Session]:
    """A session whose transaction ends with the request: committed by the route, or rolled back."""
    with SessionLocal() as session:
        yield session


Db = Annotated[Session, Depends(get_db)]


def reason_of(error: SQLAlchemyError) -> str:
    """The server's or the driver's own words on one line, without SQL and its parameters."""
    cause = getattr(error, "orig", None) or error
    # The severity is the server's view; for this service a refused connection is no FATAL error.
    said = SEVERITY.sub("", str(cause))
    return " ".join(said.split()) or type(cause).__name__


def _ask() -> str | None:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return reason_of(error)
    return None


class Pulse:
    """Asks the database whether it answers.

    One question at a time, however many want to know: a database that hangs must not take one
    thread more with every probe.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.asking: asyncio.Future[str | None] | None = None

    async def trouble(self) -> str | None:
        """Why the database cannot be used; None when it answers."""
        if self.asking is None or self.asking.done():
            self.asking = asyncio.ensure_future(run_in_threadpool(_ask))
        try:
            return await asyncio.wait_for(asyncio.shield(self.asking), self.timeout)
        except TimeoutError:
            url = engine.url
            return f"{url.host}:{url.port or 5432} did not answer within {self.timeout:g} s"
