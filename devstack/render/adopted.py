"""Connection variables of services that nobody gave a kind: what their image and environment say, as the host reaches them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from urllib.parse import quote

from devstack.compose.model import Service, Stack
from devstack.compose.roles import Postgres, Redis, role_of
from devstack.render.connections import Connection
from devstack.spec.services import variable_prefix


def stack_connections(stack: Stack, *, without: Collection[str] = (), driver: str = "") -> tuple[Connection, ...]:
    """The variables for every PostgreSQL and Redis of a stack that publishes its port on a known host port.

    The names are those that the kinds give: DATABASE_URL, PGHOST, REDIS_URL, ... for the first of each sort, and <SERVICE>_DATABASE_URL
    or <SERVICE>_REDIS_URL for each where there are several. `without` are services told otherwise (those of a kind).
    """
    postgres: list[tuple[Postgres, str, str]] = []
    redis: list[tuple[Redis, str, str]] = []
    for service in stack.services.values():
        role = None if service.name in without else role_of(service, stack.secrets)
        address = _address(service, role.port) if role is not None else None
        if address is None:
            continue
        if isinstance(role, Postgres):
            postgres.append((role, *address))
        elif isinstance(role, Redis):
            redis.append((role, *address))
    found = [*_several([_postgres(*item, driver) for item in postgres], "DATABASE_URL")]
    return (*found, *_several([_redis(*item) for item in redis], "REDIS_URL"))


def _address(service: Service, target: int) -> tuple[str, str] | None:
    """Host name and port where a program on this machine finds the service's port."""
    for port in service.ports:
        if port.target == target and port.protocol == "tcp" and port.published.isdigit():
            return ("localhost" if port.host_ip in ("", "0.0.0.0", "::", "127.0.0.1") else port.host_ip), port.published
    return None


def _postgres(role: Postgres, host: str, port: str, driver: str) -> tuple[Connection, ...]:
    login = quote(role.user, safe="") + ("" if role.password is None else f":{quote(role.password, safe='')}")
    url = f"postgresql{'+' if driver else ''}{driver}://{login}@{host}:{port}/{quote(role.database, safe='')}"
    values: Mapping[str, str | None] = {
        "PGHOST": host, "PGPORT": port, "PGUSER": role.user, "PGPASSWORD": role.password, "PGDATABASE": role.database, "DATABASE_URL": url,
    }  # fmt: skip
    return _connections(values, role.service, secret=("PGPASSWORD", "DATABASE_URL") if role.password is not None else ())


def _redis(role: Redis, host: str, port: str) -> tuple[Connection, ...]:
    login = "" if role.password is None else f":{quote(role.password, safe='')}@"
    values = {"REDIS_HOST": host, "REDIS_PORT": port, "REDIS_URL": f"redis://{login}{host}:{port}/0"}
    return _connections(values, role.service, secret=("REDIS_URL",) if role.password is not None else ())


def _connections(values: Mapping[str, str | None], service: str, secret: Collection[str]) -> tuple[Connection, ...]:
    return tuple(Connection(name, value, service, name in secret) for name, value in values.items() if value is not None)


def _several(groups: list[tuple[Connection, ...]], each: str) -> Iterator[Connection]:
    for index, group in enumerate(groups):
        yield from group if index == 0 else ()
        for item in group:
            if item.variable == each and len(groups) > 1:
                yield Connection(f"{variable_prefix(item.service)}_{each}", item.value, item.service, item.secret)
