"""The engine, its sessions, and whether the database answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from app.settings import Settings


class Database:
    """The pool and the session factory of one running service."""

    def __init__(self, settings: Settings) -> None:
        self.timeout = settings.db_timeout_seconds
        self.address = f"{settings.sqlalchemy_url.host}:{settings.sqlalchemy_url.port or 5432}"
        self.engine: AsyncEngine = create_async_engine(
            settings.sqlalchemy_url,
            pool_size=settings.db_pool_size,
            max_overflow=settings.db_max_overflow,
            # A database that stands still for a while makes answers late, not wrong.
            pool_timeout=5 * self.timeout,
            # A connection that died with the database is replaced, not handed out.
            pool_pre_ping=True,
            connect_args={
                "timeout": self.timeout,
                "server_settings": {"application_name": "agent-platform"},
            },
        )
        # Said though it is the default: a request commits once, at its end, or not at all.
        self.sessions = async_sessionmaker(
            self.engine, autocommit=False, autoflush=False, expire_on_commit=False
        )

    async def trouble(self) -> str | None:
        """Why the database cannot be used; None when it answers."""
        try:
            async with asyncio.timeout(self.timeout), self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except TimeoutError:
            return f"the database at {self.address} did not answer within {self.timeout:g} s"
        except SQLAlchemyError as error:
            return reason_of(error)
        except OSError as error:
            return self.unreachable(error)
        return None

    def unreachable(self, error: OSError) -> str:
        return f"cannot connect to the database at {self.address}: {error}"

    async def close(self) -> None:
        await self.engine.dispose()


def reason_of(error: SQLAlchemyError) -> str:
    """The server's or the driver's own words, without SQL and without its parameters."""
    cause = getattr(error, "orig", None) or error
    return str(cause.__cause__ or cause).strip() or type(cause).__name__


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def get_db(
    database: Annotated[Database, Depends(database_of)],
) -> AsyncIterator[AsyncSession]:
    """A session whose transaction ends with the request: committed by the route, or rolled back."""
    async with database.sessions() as session:
        yield session


DatabaseHere = Annotated[Database, Depends(database_of)]
Session = Annotated[AsyncSession, Depends(get_db)]
