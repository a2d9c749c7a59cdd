"""What a service is, read from its image and environment: a PostgreSQL or a Redis, and how to log in.

This is how adopted Compose files get a schema step, `db-shell` and connection strings without anybody saying `kind: postgres`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from devstack.compose.model import FileObject, Mount, Service
from devstack.compose.passwords import value_of

INIT_SCRIPTS = "/docker-entrypoint-initdb.d"
"""Where the PostgreSQL image looks for what it runs once, in a new data folder."""

_POSTGRES = {
    "postgres", "postgresql", "postgis", "pgvector", "timescaledb", "timescaledb-ha", "citus", "paradedb", "postgresql-repmgr",
    "pgduckdb", "pgvecto-rs", "vchord-postgres", "spilo-15", "spilo-16", "spilo-17",
}  # fmt: skip
_REDIS = {"redis", "valkey", "redis-stack", "redis-stack-server", "keydb", "redis-alpine"}
_BESIDE = re.compile(r"export|backup|dump|admin|bouncer|pool|proxy|operator|client|migrat|pgrst|rest$|init")
"""Words in an image's name that make it a companion of a database, not one."""
_CLIENTS = {"psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_isready", "pgbench", "createdb", "dropdb", "createuser", "vacuumdb"}
_CLIENTS |= {"sleep", "tail", "true"}  # a container that only stands there, to be worked in
_SHELLS = {"sh", "bash", "ash", "dash"}
_SERVER = re.compile(r"docker-entrypoint|(?:-c |[;&|(]\s*|exec |gosu \S+ |su-exec \S+ |/)postgres(?=\s|$)")
"""What starts the server where a shell is what the container runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A PostgreSQL service. `password` None: none is asked for, or it is in `password_file` and that could not be read.

    `data_target` is where its data must be mounted; `major` None when the image's tag does not say.
    """

    service: str
    user: str
    password: str | None
    database: str
    port: int = 5432
    data_target: str
    major: int | None
    password_file: str = ""

    def __repr__(self) -> str:
        return f"Postgres(service={self.service!r}, user={self.user!r}, database={self.database!r}, port={self.port})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redis:
    """A Redis or Valkey service."""

    service: str
    password: str | None
    port: int = 6379

    def __repr__(self) -> str:
        return f"Redis(service={self.service!r}, port={self.port})"


Role = Postgres | Redis


def role_of(service: Service, secrets: Mapping[str, FileObject] = MappingProxyType({})) -> Role | None:
    """The service's role, or None. `secrets` are the stack's, to read a password given as POSTGRES_PASSWORD_FILE."""
    name = _image_name(service.image_name)
    if _is_postgres(name, service):
        return _postgres(service, secrets)
    if name in _REDIS:
        return _redis(service)
    return None


def postgres_mount_problem(service: Service) -> str | None:
    """What is wrong with where this PostgreSQL keeps its data, as one sentence with the line to write; None when all is well."""
    role = role_of(service)
    if not isinstance(role, Postgres):
        return None
    write = f"mount a named volume at {role.data_target}"
    mount = _data_mount(service, role)
    version = f"PostgreSQL {role.major}" if role.major else "this image"
    if mount is None:
        near = _mounted_beside(service)
        if near:
            return f"{near[0]} is mounted, but {version} keeps its data elsewhere and would lose it on `down`; {write}"
        return f"nothing is mounted for the data, which is lost on `down`; {write}"
    if mount.type == "tmpfs":
        return f"the data is in memory (tmpfs at {mount.target}) and is lost on every stop; {write}"
    if mount.type == "volume" and not mount.source:
        return f"the volume at {mount.target} has no name, so `down` and `up` start with an empty database; {write}"
    if mount.read_only:
        return f"the data mount at {mount.target} is read-only"
    return None


def data_is_mounted_beside(service: Service) -> bool:
    """Whether a PostgreSQL has a mount that is meant for its data, in a place where it keeps none: that is never on purpose."""
    role = role_of(service)
    return isinstance(role, Postgres) and _data_mount(service, role) is None and bool(_mounted_beside(service))


def _mounted_beside(service: Service) -> list[str]:
    return [m.target for m in service.mounts if re.search(r"postgres|pgdata|pgsql", m.target) and not _is_file(m)]


def _is_postgres(name: str, service: Service) -> bool:
    if not _runs_server(service):
        return False
    if name in _POSTGRES:
        return True
    if _BESIDE.search(name) or "POSTGRES_HOST" in service.environment:
        return False
    said = {"POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE", "POSTGRES_HOST_AUTH_METHOD"} & set(service.environment)
    return bool(said) and re.search(r"postgres|pgvector|postgis|timescale", name) is not None


def _runs_server(service: Service) -> bool:
    """Whether the image's server is what runs, not a client of it: `command: [psql, ...]`, `entrypoint: [sh, -c, "pg_dump ..."]`."""
    words = [*(service.entrypoint or ()), *(service.command or ())]
    program = PurePosixPath(words[0]).name if words else ""
    if program in _CLIENTS:
        return False
    return program not in _SHELLS or _SERVER.search(" ".join(words)) is not None


def _postgres(service: Service, secrets: Mapping[str, FileObject]) -> Postgres:
    def first(*names: str) -> str | None:
        return next((value for name in names if (value := service.environment.get(name))), None)

    file = first("POSTGRES_PASSWORD_FILE", "POSTGRESQL_PASSWORD_FILE") or ""
    password = first("POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD")
    if password is None and file:
        password = _secret(service, secrets, file)
    user = first("POSTGRES_USER", "POSTGRESQL_USERNAME", "POSTGRESQL_USER") or "postgres"
    major = _major(service.image_name)
    return Postgres(
        service=service.name,
        user=user,
        password=password,
        database=first("POSTGRES_DB", "POSTGRESQL_DATABASE") or user,
        port=_port(service, ("PGPORT", "POSTGRESQL_PORT_NUMBER"), r"(?:-p|--port[ =]|-c ?port=)\s*(\d+)", 5432),
        data_target=_data_target(service, major),
        major=major,
        password_file=file,
    )


def _redis(service: Service) -> Redis:
    given = value_of("--requirepass", (*(service.entrypoint or ()), *(service.command or ())))
    said = next((v for n in ("REDIS_PASSWORD", "VALKEY_PASSWORD", "REDISCLI_AUTH") if (v := service.environment.get(n))), None)
    password = (said if given is None or given.startswith("$") else given) or None
    return Redis(
        service=service.name,
        password=password,
        port=_port(service, ("REDIS_PORT_NUMBER", "VALKEY_PORT_NUMBER"), r"--port[ =]+(\d+)", 6379),
    )


def _port(service: Service, names: tuple[str, ...], flag: str, default: int) -> int:
    found = re.search(flag, " ".join(service.command or ()))
    if found:
        return int(found.group(1))
    text = next((v for n in names if (v := service.environment.get(n))), "")
    return int(text) if text.isdigit() else default


def _image_name(reference: str) -> str:
    """The last part of the repository: "postgres" of "ghcr.io/x/postgres:17@sha256:..."."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()


def _major(reference: str) -> int | None:
    """The server's major version a tag names: "17", "17.2-alpine", "pg17", "0.8.0-pg17", "16-3.5"."""
    name = _image_name(reference)
    tag = reference.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = re.search(r"pg(\d{1,2})(?!\d)", tag)
    if found is None and name not in {"timescaledb", "timescaledb-ha", "pgvector", "citus", "paradedb"}:
        found = re.match(r"v?(\d{1,2})(?:[.\-_a-z]|$)", tag)
    return int(found.group(1)) if found else None


def _data_target(service: Service, major: int | None) -> str:
    reference = service.image_name
    said = service.environment.get("PGDATA")
    if said:
        parent = PurePosixPath("/var/lib/postgresql")
        inside = parent in PurePosixPath(said).parents
        return str(parent) if major is not None and major >= 18 and inside else said.rstrip("/")
    if "bitnami" in reference:
        return "/bitnami/postgresql"
    if _image_name(reference) == "timescaledb-ha":
        return "/home/postgres/pgdata/data"
    return "/var/lib/postgresql" if major is not None and major >= 18 else "/var/lib/postgresql/data"


def _data_mount(service: Service, role: Postgres) -> Mount | None:
    """The innermost mount that holds the data folder, counting the volume every image of 17 and below declares itself."""
    mounts = [*service.mounts, *(Mount(type="tmpfs", target=path.partition(":")[0]) for path in service.tmpfs)]
    places = [PurePosixPath(role.data_target)]
    if service.environment.get("PGDATA"):
        places = [PurePosixPath(service.environment["PGDATA"] or "")]
    elif role.major is None and role.data_target == "/var/lib/postgresql/data":
        places.append(PurePosixPath("/var/lib/postgresql"))  # the tag does not say which; either may be right
    covering = [m for m in mounts if any(_covers(PurePosixPath(m.target), place) for place in places)]
    innermost = max(covering, key=lambda m: len(PurePosixPath(m.target).parts), default=None)
    own_volume = PurePosixPath("/var/lib/postgresql/data")
    declared = role.major is not None and role.major < 18 and _covers(own_volume, places[0])
    if innermost is not None and declared and not _covers(own_volume, PurePosixPath(innermost.target)):
        return None  # the image's own anonymous volume lies over what is mounted further out
    return innermost


def _covers(mount: PurePosixPath, place: PurePosixPath) -> bool:
    return mount == place or mount in place.parents


def _is_file(mount: Mount) -> bool:
    return "initdb" in mount.target or bool(PurePosixPath(mount.target).suffix)


def _secret(service: Service, secrets: Mapping[str, FileObject], file: str) -> str | None:
    for use in service.secrets:
        target = use.target or use.source
        at = target if target.startswith("/") else f"/run/secrets/{target}"
        secret = secrets.get(use.source)
        if at != file or secret is None:
            continue
        if secret.content is not None:
            return secret.content.rstrip("\r\n")
        try:
            return Path(secret.file).read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            return None
    return None
