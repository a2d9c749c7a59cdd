"""Markers: something written through a service into a volume, to be looked for later: a row, a key, a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from devstack import labels
from devstack.compose.model import Mount, Service, Volume
from devstack.compose.roles import Postgres, Redis, role_of
from devstack.database.flushing import ask
from devstack.errors import DevstackError
from devstack.verify.base import Ground


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marker:
    """One thing written: through which service, into which volume, in what way ("row", "key" or "file")."""

    service: Service
    volume: str
    mount: Mount
    way: str
    nonce: str


def of(ground: Ground) -> list[Marker]:
    """One marker for each named volume that holds data, through the first service that may write to it."""
    found: dict[str, Marker] = {}
    for service in ground.enabled:
        role = role_of(service, ground.stack.secrets)
        way = "row" if isinstance(role, Postgres) else "key" if isinstance(role, Redis) else "file"
        for mount in service.mounts:
            volume = ground.stack.volumes.get(mount.source) if mount.type == "volume" else None
            if volume is not None and _holds_data(volume) and not mount.read_only:
                nonce = hashlib.sha256(f"{ground.stack.name}/{volume.name}/{ground.first_at}".encode()).hexdigest()[:16]
                found.setdefault(mount.source, Marker(service=service, volume=volume.name, mount=mount, way=way, nonce=nonce))
    return list(found.values())


def _holds_data(volume: Volume) -> bool:
    return not volume.external and labels.CACHE not in volume.labels


def write(ground: Ground, marker: Marker) -> None:
    """Put the marker there. Raises `DevstackError`."""
    if marker.way == "row":
        sql(ground, marker, "CREATE SCHEMA IF NOT EXISTS devstack_probe")
        sql(ground, marker, "CREATE TABLE IF NOT EXISTS devstack_probe.marker (nonce text)")
        sql(ground, marker, "INSERT INTO devstack_probe.marker VALUES (%s)", marker.nonce)
    elif marker.way == "key":
        _redis(ground, marker, "SET", "devstack:probe", marker.nonce)
    else:
        _shell(ground, marker, f"printf %s {marker.nonce} > '{_path(marker)}'")


def read(ground: Ground, marker: Marker) -> str:
    """What the marker says now; "" when it is not there. Raises `DevstackError`."""
    if marker.way == "row":
        rows = sql(ground, marker, "SELECT coalesce(to_regclass('devstack_probe.marker')::text, '')")
        rows = sql(ground, marker, "SELECT nonce FROM devstack_probe.marker LIMIT 1") if rows and rows[0] else []
        return rows[0] if rows else ""
    if marker.way == "key":
        return _redis(ground, marker, "GET", "devstack:probe")
    return _shell(ground, marker, f"cat '{_path(marker)}' 2>/dev/null || true")


def there(ground: Ground, marker: Marker) -> bool:
    """Whether the marker is there, written now where it is not."""
    try:
        if read(ground, marker) != marker.nonce:
            write(ground, marker)
        return read(ground, marker) == marker.nonce
    except DevstackError:
        return False  # told by the check that writes it


def erase(ground: Ground, marker: Marker) -> None:
    """Take the marker away, where the data is not ours."""
    if marker.way == "row":
        sql(ground, marker, "DROP SCHEMA IF EXISTS devstack_probe CASCADE")
    elif marker.way == "key":
        _redis(ground, marker, "DEL", "devstack:probe")
    else:
        _shell(ground, marker, f"rm -f '{_path(marker)}'")


def _path(marker: Marker) -> str:
    return f"{marker.mount.target.rstrip('/')}/.devstack-probe"


def sql(ground: Ground, marker: Marker, statement: str, *values: str) -> list[str]:
    """The first column of a statement's rows, asked of the marker's database."""
    from devstack.database.connection import connect
    from devstack.database.reach import target_of

    role = role_of(marker.service, ground.stack.secrets)
    assert isinstance(role, Postgres)
    target = target_of(role, ground.container(marker.service.name), ground.engine.info.endpoint)
    with connect(target, application_name="devstack-verify") as connection:
        return [str(row[0]) for row in connection.rows(statement, values)]


def _redis(ground: Ground, marker: Marker, *words: str) -> str:
    role = role_of(marker.service)
    assert isinstance(role, Redis)
    return redis_cli(ground, role, words)


def redis_cli(ground: Ground, role: Redis, words: Sequence[str]) -> str:
    """What a Redis answers to a command. Raises `DevstackError`."""
    return ask(ground.engine, ground.container(role.service).id, role, words)


def _shell(ground: Ground, marker: Marker, script: str) -> str:
    result = ground.engine.exec(ground.container(marker.service.name).id, ["/bin/sh", "-c", script], user="0")
    if result.exit_code != 0:
        said = (result.stdout + result.stderr).decode(errors="replace").strip()
        raise DevstackError(said or f"sh ended with {result.exit_code}")
    return result.text.strip()
