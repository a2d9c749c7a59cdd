"""The engine, its sessions, and whether the database answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from app.config import Settings
from app.models import SQLModel


class Database:
    """The pool and the session factory of one running service."""

    def __init__(self, settings: Settings) -> None:
        self.timeout = settings.db_timeout_seconds
        self.address = f"{settings.sqlalchemy_url.host}:{settings.sqlalchemy_url.port or 5432}"
        self.engine = self._pool(settings, settings.db_pool_size, settings.db_max_overflow)
        # /health has a connection of its own: a busy service must not look like a broken one.
        self.probe = self._pool(settings, 1, 0)
        # Said though it is the default: a request commits once, at its end, or not at all.
        self.sessions = async_sessionmaker(
            self.engine,
            class_=AsyncSession,
            autocommit=False,
            autoflush=False,
            expire_on_commit=False,
        )

    def _pool(self, settings: Settings, size: int, overflow: int) -> AsyncEngine:
        return create_async_engine(
            settings.sqlalchemy_url,
            pool_size=size,
            max_overflow=overflow,
            pool_timeout=settings.db_pool_timeout_seconds,
            # A connection that died with the database is replaced, not handed out.
            pool_pre_ping=True,
            connect_args={
                "timeout": self.timeout,
                "server_settings": {"application_name": "schema-hub"},
            },
        )

    async def trouble(self) -> str | None:
        """Why the database cannot be used; None when it answers."""
        try:
            async with asyncio.timeout(self.timeout), self.probe.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except TimeoutError:
            return f"the database at {self.address} did not answer within {self.timeout:g} s"
        except SQLAlchemyError as error:
            return reason_of(error)
        except OSError as error:
            return self.unreachable(error)
        return None

    async def create_tables(self) -> None:
        """Tables, types and indexes that are not there yet, from the models."""
        async with self.engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)

    def unreachable(self, error: OSError) -> str:
        return f"cannot connect to the database at {self.address}: {error}"

    async def close(self) -> None:
        await self.engine.dispose()
        await self.probe.dispose()


def reason_of(error: SQLAlchemyError) -> str:
    """The server's or the driver's own words, without SQL and without its parameters."""
    cause = getattr(error, "orig", None) or error
    return str(cause.__cause__ or cause).strip() or type(cause).__name__


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def get_session(
    database: Annotated[Database, Depends(database_of)],
) -> AsyncIterator[AsyncSession]:
    """A session whose transaction ends with the request: committed by the route, or rolled back."""
    async with database.sessions() as session:
        yield session


DatabaseDep = Annotated[Database, Depends(database_of)]
SessionDep = Annotated[AsyncSession, Depends(get_session)]
