"""data: what is written through a service is still there after `down` and `up`, for each named volume.

`restart` proves nothing here: a container that is merely restarted keeps data that it never put into its volume.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from devstack import labels
from devstack.compose.model import Mount, Service, Volume
from devstack.compose.roles import Postgres, Redis, role_of
from devstack.engine.base import Container
from devstack.errors import DevstackError
from devstack.verify.base import Ground, Result, failed, passed, skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """One thing written: through which service, into which volume, in what way."""

    service: Service
    volume: str
    mount: Mount
    way: str
    nonce: str


def check(ground: Ground) -> list[Result]:
    """Write a marker into each volume, remove the containers, make them again, read the markers back."""
    begun = time.monotonic()
    results: list[Result] = []
    written: list[Marker] = []
    for marker in _markers(ground):
        try:
            _write(ground, marker)
        except DevstackError as error:
            results.append(skipped("data", _title(marker), f"no marker could be written: {error.message}"))
        else:
            written.append(marker)
    if not written:
        return results or [skipped("data", "data survives down and up", "no service has a named volume")]
    try:
        ground.runner.down()
        ground.runner.up()
    except DevstackError as error:
        return [*results, failed("data", "data survives down and up", expected="the stack comes up again", saw=error.message)]
    seconds = (time.monotonic() - begun) / len(written)
    return results + [_judged(ground, marker, seconds) for marker in written]


def _title(marker: Marker) -> str:
    return f"{marker.service.name}: volume {marker.mount.source} survives down and up"


def _judged(ground: Ground, marker: Marker, seconds: float) -> Result:
    expected = f"the {marker.way} written before is there"
    try:
        there = _read(ground, marker)
    except DevstackError as error:
        return failed("data", _title(marker), expected=expected, saw=error.message, seconds=seconds)
    if there == marker.nonce:
        return passed("data", _title(marker), expected=expected, saw="it is there", seconds=seconds)
    mounts = tuple(
        f"{m.type} {m.name or m.source or '(nameless)'} at {m.target}" for m in _container(ground, marker.service).mounts
    )
    saw = "it is gone: the program does not write into this volume"
    return failed("data", _title(marker), expected=expected, saw=saw, evidence=mounts, seconds=seconds)


def _markers(ground: Ground) -> list[Marker]:
    """One marker for each named volume, through the first service that may write to it."""
    found: dict[str, Marker] = {}
    for service in ground.stack.services.values():
        role = role_of(service, ground.stack.secrets)
        way = "row" if isinstance(role, Postgres) else "key" if isinstance(role, Redis) else "file"
        for mount in service.mounts:
            volume = ground.stack.volumes.get(mount.source) if mount.type == "volume" else None
            if volume is not None and _holds_data(volume) and not mount.read_only and service.scale:
                marker = Marker(service=service, volume=volume.name, mount=mount, way=way, nonce=secrets.token_hex(8))
                found.setdefault(mount.source, marker)
    return list(found.values())


def _holds_data(volume: Volume) -> bool:
    return not volume.external and labels.CACHE not in volume.labels


def _container(ground: Ground, service: Service) -> Container:
    return ground.engine.inspect(ground.look().of(service.name)[0].id)


def _write(ground: Ground, marker: Marker) -> None:
    if marker.way == "row":
        _sql(ground, marker, "CREATE SCHEMA IF NOT EXISTS devstack_probe")
        _sql(ground, marker, "CREATE TABLE IF NOT EXISTS devstack_probe.marker (nonce text)")
        _sql(ground, marker, "INSERT INTO devstack_probe.marker VALUES (%s)", marker.nonce)
    elif marker.way == "key":
        _redis(ground, marker, "SET", "devstack:probe", marker.nonce)
    else:
        _shell(ground, marker, f"printf %s {marker.nonce} > '{_path(marker)}'")


def _read(ground: Ground, marker: Marker) -> str:
    if marker.way == "row":
        rows = _sql(ground, marker, "SELECT coalesce(to_regclass('devstack_probe.marker')::text, '')")
        if not rows or not rows[0]:
            return ""
        rows = _sql(ground, marker, "SELECT nonce FROM devstack_probe.marker")
        return rows[0] if rows else ""
    if marker.way == "key":
        return _redis(ground, marker, "GET", "devstack:probe")
    return _shell(ground, marker, f"cat '{_path(marker)}' 2>/dev/null || true")


def _path(marker: Marker) -> str:
    return f"{marker.mount.target.rstrip('/')}/.devstack-probe"


def _sql(ground: Ground, marker: Marker, statement: str, *values: str) -> list[str]:
    from devstack.database.connection import connect
    from devstack.database.reach import target_of

    role = role_of(marker.service, ground.stack.secrets)
    assert isinstance(role, Postgres)
    target = target_of(role, _container(ground, marker.service), ground.engine.info.endpoint)
    with connect(target, application_name="devstack-verify") as connection:
        return [str(row[0]) for row in connection.rows(statement, values)]


def _redis(ground: Ground, marker: Marker, *words: str) -> str:
    role = role_of(marker.service)
    assert isinstance(role, Redis)
    environment = {"REDISCLI_AUTH": role.password} if role.password else {}
    result = ground.engine.exec(
        _container(ground, marker.service).id, ["redis-cli", "-p", str(role.port), *words], environment=environment
    )
    if result.exit_code != 0:
        raise DevstackError((result.stdout + result.stderr).decode(errors="replace").strip() or "redis-cli failed")
    return result.text.strip()


def _shell(ground: Ground, marker: Marker, script: str) -> str:
    result = ground.engine.exec(_container(ground, marker.service).id, ["/bin/sh", "-c", script], user="0")
    if result.exit_code != 0:
        raise DevstackError((result.stdout + result.stderr).decode(errors="replace").strip() or f"sh ended with {result.exit_code}")
    return result.text.strip()
