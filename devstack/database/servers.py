"""The servers of a stack that hold data: reached when first asked for, left together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING

from devstack.compose.model import Stack
from devstack.compose.roles import Postgres, Redis, Role, role_of
from devstack.database import flushing
from devstack.database.outcome import not_running
from devstack.database.reach import ended
from devstack.engine.base import Container, Engine, Observed
from devstack.errors import DatabaseError

if TYPE_CHECKING:
    from devstack.database.cluster import Cluster

WAIT = 30.0
"""Seconds for which a server that is only starting is waited for."""


class Servers:
    """The running database services of a stack as `observed` shows them. psycopg is imported when a PostgreSQL is asked for."""

    def __init__(self, engine: Engine, stack: Stack, observed: Observed) -> None:
        self.engine = engine
        self.stack = stack
        self.observed = observed
        self._sessions = ExitStack()
        self._clusters: dict[str, Cluster] = {}

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._sessions.close()

    def role(self, service: str) -> Role | None:
        found = self.stack.services.get(service) or self.stack.disabled.get(service)
        return role_of(found, self.stack.secrets) if found else None

    def container(self, service: str) -> Container | None:
        """Its running container."""
        return next((c for c in self.observed.of(service) if c.running), None)

    def still(self, service: str) -> bool:
        """Whether it runs even now: a command may have removed what was observed."""
        container = self.container(service)
        return container is not None and not ended(self.engine, container.id)()

    def cluster(self, service: str) -> Cluster:
        """The PostgreSQL server of a service. Raises DatabaseError when it does not run or cannot be reached."""
        if service not in self._clusters:
            from devstack.database.cluster import open_cluster
            from devstack.database.reach import target_of
            from devstack.database.room import Disk

            role, container = self.role(service), self._running(service)
            if not isinstance(role, Postgres):
                raise DatabaseError(f"{service} is no PostgreSQL that devstack recognises")
            target = target_of(role, container, self.engine.info.endpoint)
            cluster = self._sessions.enter_context(
                open_cluster(target, self.stack.name, wait=WAIT, gone=ended(self.engine, container.id))
            )
            cluster.disk = Disk(self.engine, container, role)
            self._clusters[service] = cluster
        return self._clusters[service]

    @contextmanager
    def held(self, services: tuple[str, ...]) -> Iterator[Callable[[], None]]:
        """A context in which these services take no writes. Call what it gives where there is no way back any more (`Hold.fasten`)."""
        with ExitStack() as held:
            holds = [held.enter_context(flushing.Hold(self.engine, *self._redis(service))) for service in services]

            def fasten() -> None:
                for hold in holds:
                    hold.fasten()

            yield fasten

    def let_go(self, service: str) -> None:
        """End the hold that a command which was killed has left. It has gone with a server that is gone, and ends by itself too."""
        if self.container(service) is not None and isinstance(self.role(service), Redis):
            with suppress(DatabaseError):
                flushing.ask(self.engine, *self._redis(service), ["CLIENT", "UNPAUSE"])

    def flush(self, service: str, token: str) -> None:
        flushing.flush(self.engine, *self._redis(service), token)

    def forget(self, service: str, token: str) -> None:
        flushing.forget(self.engine, *self._redis(service), token)

    def keys(self, service: str) -> int:
        return flushing.count(self.engine, *self._redis(service))

    def _redis(self, service: str) -> tuple[str, Redis]:
        role = self.role(service)
        if not isinstance(role, Redis):
            raise DatabaseError(f"{service} is no Redis that devstack recognises")
        return self._running(service).id, role

    def _running(self, service: str) -> Container:
        container = self.container(service)
        if container is None:
            raise not_running(service)
        return container
