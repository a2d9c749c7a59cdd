"""Prometheus: requests by route, the connection pool, runs by status."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.database import Database
from app.models import WorkflowRun, WorkflowRunStatus

__all__ = ["CONTENT_TYPE_LATEST", "Measured", "Metrics"]


class Metrics:
    """The numbers of one app; a registry of its own, so that two apps can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route")
        self.requests = Counter(
            "http_requests", "Requests answered", (*labels, "status"), registry=self.registry
        )
        self.latency = Histogram(
            "http_request_duration_seconds", "Time to answer", labels, registry=self.registry
        )
        self.database_up = Gauge(
            "database_up", "1 when the last scrape could ask the database", registry=self.registry
        )
        self.pool = Gauge(
            "database_pool_connections",
            "Connections of the pool: open and idle, or lent to a request",
            ("state",),
            registry=self.registry,
        )
        self.runs = Gauge(
            "workflow_runs", "Workflow runs by status", ("status",), registry=self.registry
        )

    async def scrape(self, database: Database) -> bytes:
        await self._count_runs(database)
        pool = database.engine.pool
        if isinstance(pool, QueuePool):
            self.pool.labels("idle").set(pool.checkedin())
            self.pool.labels("in_use").set(pool.checkedout())
        return generate_latest(self.registry)

    async def _count_runs(self, database: Database) -> None:
        query = select(WorkflowRun.status, func.count()).group_by(WorkflowRun.status)
        try:
            async with database.sessions() as session:
                counts = dict((await session.execute(query)).tuples().all())
        except (SQLAlchemyError, OSError):
            # Stale numbers would lie: without an answer there are no numbers.
            self.database_up.set(0)
            self.runs.clear()
            return
        self.database_up.set(1)
        for status in WorkflowRunStatus:
            self.runs.labels(status.value).set(counts.get(status, 0))


class Measured:
    """ASGI middleware that counts and times each request under its route's pattern."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500  # what the server answers when the app raises

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        begun = time.perf_counter()
        try:
            await self.app(scope, receive, watch)
        finally:
            # The pattern, not the path: a label per id would grow without end.
            route = getattr(scope.get("route"), "path", "unmatched")
            self.metrics.latency.labels(scope["method"], route).observe(time.perf_counter() - begun)
            self.metrics.requests.labels(scope["method"], route, status).inc()
