"""PostgreSQL and Redis as AgentOS uses them: connected when they are needed, and again after."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from settings import Settings

QUEUE = "agentos:queue"
TAKEN = "agentos:taken"
TIMEOUT = 5.0  # seconds until a store that does not answer is told to be in trouble
PATIENCE = 15.0  # seconds a request waits: a store that stands still makes answers late, not wrong
WAIT = 5  # seconds that the worker's question to the queue may stay open
CONNECTIONS = 5


class Unavailable(Exception):
    """A store that cannot be used; the message says which, where and why, without its password."""


def address_of(url: str, port: int) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or port}"


class Stores:
    """The database and the queue of one running service."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # With all in use, the next asker waits: redis-py's usual pool refuses it at once.
        pool = BlockingConnectionPool.from_url(
            settings.redis_url or "redis://localhost",
            decode_responses=True,
            socket_connect_timeout=TIMEOUT,
            socket_timeout=WAIT + 2 * TIMEOUT,
            max_connections=CONNECTIONS + 2,
            timeout=TIMEOUT,
        )
        self.redis = Redis.from_pool(pool)
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._connecting = asyncio.Lock()

    @asynccontextmanager
    async def database(self, within: float = PATIENCE) -> AsyncIterator[Any]:
        """A connection. Raises Unavailable, when none is free too."""
        where = f"PostgreSQL at {address_of(self.settings.database_url, 5432)}"
        try:
            pool = await self._connected()
            async with pool.acquire(timeout=within) as connection:
                yield connection
        except TimeoutError:
            raise Unavailable(f"{where} did not answer within {within:g} s") from None
        except asyncpg.UndefinedTableError as error:
            raise Unavailable(f"{where}: {error}; the migrations have not been applied") from None
        except (
            OSError,
            asyncpg.InterfaceError,
            asyncpg.PostgresConnectionError,
            asyncpg.InvalidAuthorizationSpecificationError,
            asyncpg.InvalidCatalogNameError,
            asyncpg.TooManyConnectionsError,
            asyncpg.OperatorInterventionError,
        ) as error:
            raise Unavailable(f"{where}: {error or type(error).__name__}") from None

    async def _connected(self) -> "asyncpg.Pool[asyncpg.Record]":
        async with self._connecting:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self.settings.database_url,
                    min_size=0,
                    max_size=CONNECTIONS,
                    timeout=PATIENCE,
                    command_timeout=PATIENCE,
                    server_settings={"application_name": "hyvve-agentos"},
                )
            return self._pool

    async def database_trouble(self) -> str | None:
        """Why the database cannot be used; None when it answers."""
        try:
            async with self.database(TIMEOUT) as connection:
                await connection.fetchval("SELECT 1", timeout=TIMEOUT)
        except Unavailable as error:
            return str(error)
        return None

    async def redis_trouble(self) -> str | None:
        try:
            async with asyncio.timeout(TIMEOUT):
                await self.redis.ping()
        except (TimeoutError, OSError, RedisError) as error:
            address = address_of(self.settings.redis_url, 6379)
            return f"Redis at {address}: {error or type(error).__name__}"
        return None

    async def start_run(self, run: UUID) -> tuple[str, str] | None:
        """Agent and input of a run that nobody has finished; None for any other."""
        async with self.database() as connection:
            row = await connection.fetchrow(
                "UPDATE agent_runs SET status = 'running'"
                " WHERE id = $1 AND status IN ('queued', 'running') RETURNING agent, input",
                run,
            )
        return (row["agent"], row["input"]) if row else None

    async def finish_run(self, run: UUID, output: dict[str, Any] | None, error: str | None) -> None:
        async with self.database() as connection:
            await connection.execute(
                "UPDATE agent_runs SET status = $2::run_status, output = $3, error = $4,"
                " finished_at = now() WHERE id = $1",
                run,
                "failed" if error else "completed",
                None if output is None else json.dumps(output),
                error,
            )

    async def runs_of(self, workspace: UUID, limit: int) -> list[dict[str, Any]]:
        """The newest runs of a workspace."""
        async with self.database() as connection:
            rows = await connection.fetch(
                "SELECT id, agent, status, output, error, created_at, finished_at FROM agent_runs"
                " WHERE workspace_id = $1 ORDER BY created_at DESC LIMIT $2",
                workspace,
                limit,
            )
        return [
            dict(row) | {"output": json.loads(row["output"]) if row["output"] else None}
            for row in rows
        ]

    async def close(self) -> None:
        await self.redis.aclose()
        if self._pool is not None:
            self._pool.terminate()
