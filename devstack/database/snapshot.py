"""Snapshots of a stack's data: copies of its volumes, and databases that were put aside on their own server.

A snapshot is one copy volume for each volume, and a marker volume that is made last and describes it all: without its marker a
snapshot is incomplete, is never listed, and is swept by the next `take`. Databases that are put aside are named in the marker. None of
these volumes carries a label of Compose's: `docker compose down -v` does not see them. The caller holds the project's lock, and has
stopped whatever uses the volumes.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType

from devstack import labels
from devstack.compose.model import EMPTY, Stack, Strings, Volume
from devstack.engine.base import Engine
from devstack.errors import Conflict, DevstackError, UsageError

PROJECT = "io.devstack.project"
"""On volumes of ours that are no part of the stack: the project they belong to."""
PENDING = "io.devstack.pending"
"""On the marker of something destructive that has begun: JSON of what it is (devstack.database.undo)."""
HELD = "io.devstack.held"
"""On a bare volume: a JSON list of the services that a reset holds still."""
INSIDE = "io.devstack.snapshots-inside"
"""On a bare volume: the service on whose server snapshots of databases live, to be known while that does not run."""
KEPT = 3
"""How many automatic snapshots are kept."""
KEPT_DATABASES = 2
"""How many of those may have put a database aside: it stands whole on the server's disk."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,60}")
NO_SIZES: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One volume of a snapshot. `copy` "" says that the volume did not exist. `size` in bytes, None when nobody measured it.

    `flushed`: the service's own command empties it; the volume itself stays.
    """

    key: str
    volume: str
    copy: str
    image: str
    size: int | None = None
    flushed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabasePart:
    """One database of a snapshot: `database` of `service` is, or is to be, kept as `aside`; `incoming` takes its place."""

    service: str
    database: str
    aside: str
    incoming: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A complete snapshot. `when` is Unix seconds; `number` grows with each one of the project; `automatic` ones are pruned."""

    name: str
    project: str
    number: int
    when: float
    reason: str
    automatic: bool
    parts: tuple[Part, ...]
    databases: tuple[DatabasePart, ...] = ()
    flushed: tuple[str, ...] = ()
    """Services that are emptied by a command of their own."""
    holds: tuple[str, ...] = ()
    """Names of snapshots of databases that live inside a copied volume: while there are any, this one is never pruned."""

    @property
    def marker(self) -> str:
        return f"{self.project}_snapshot_{self.name}"

    @property
    def size(self) -> int | None:
        """Bytes of all parts; None when one is not known."""
        sizes = [part.size for part in self.parts if part.copy]
        return None if None in sizes else sum(size for size in sizes if size is not None)


def list_snapshots(engine: Engine, project: str, *, sizes: bool = False) -> tuple[Snapshot, ...]:
    """The project's complete snapshots, oldest first; measured now when `sizes` (slow where the engine holds much)."""
    volumes = engine.volumes(f"{PROJECT}={project}", sizes=sizes)
    found = [decode(volume.labels[labels.SNAPSHOT_META]) for volume in volumes if labels.SNAPSHOT_META in volume.labels]
    if sizes:
        measured = {volume.name: volume.size for volume in volumes}
        found = [_measured(snapshot, measured) for snapshot in found]
    return tuple(sorted(found, key=lambda snapshot: snapshot.number))


def find(engine: Engine, project: str, name: str) -> Snapshot:
    """The snapshot of that name. Raises UsageError with the names there are."""
    snapshots = list_snapshots(engine, project)
    for snapshot in snapshots:
        if snapshot.name == name:
            return snapshot
    there = ", ".join(snapshot.name for snapshot in snapshots) or "none"
    raise UsageError(f"{project} has no snapshot {name}", details=[("there are", there)], code="snapshot")


def take(
    engine: Engine,
    stack: Stack,
    volumes: Sequence[Volume],
    *,
    name: str = "",
    reason: str,
    images: Mapping[str, str],
    sizes: Mapping[str, int] = NO_SIZES,
    automatic: bool = False,
) -> Snapshot:
    """Copy the volumes. `images` maps volume names to an image that is there; `sizes` volume names to bytes where known.

    Without a name it is "before-<reason>-<number>". External volumes are left out: they are not the stack's. An automatic snapshot
    takes the place of the oldest automatic one beyond `KEPT`.
    """
    snapshot = draft(engine, stack, volumes, name=name, reason=reason, images=images, sizes=sizes, automatic=automatic)
    complete(engine, stack, snapshot)
    prune(engine, stack.name)
    return snapshot


def draft(
    engine: Engine,
    stack: Stack,
    volumes: Sequence[Volume],
    *,
    name: str = "",
    reason: str,
    images: Mapping[str, str],
    sizes: Mapping[str, int] = NO_SIZES,
    automatic: bool = False,
    databases: Sequence[DatabasePart] = (),
    flushed: Strings = EMPTY,
    holds: Sequence[str] = (),
) -> Snapshot:
    """Make the copies of a snapshot that is not one yet: only `complete` makes it count.

    `flushed` maps services that are emptied by a command of their own to their volume's key, "" where they have none.
    """
    before = list_snapshots(engine, stack.name)
    _sweep(engine, stack.name, before)
    number = max((snapshot.number for snapshot in before), default=0) + 1
    name = name or f"before-{reason}-{number}"
    _check_name(name, before)
    mine = [volume for volume in volumes if not volume.external]
    present = engine.observe(stack.name, volumes=[volume.name for volume in mine]).volumes if mine else {}
    parts = []
    for volume in mine:
        image = images.get(volume.name, "")
        copy = _copy(engine, stack, volume, name, image) if volume.name in present else ""
        parts.append(
            Part(
                key=volume.key,
                volume=volume.name,
                copy=copy,
                image=image,
                size=sizes.get(volume.name),
                flushed=volume.key in flushed.values(),
            )
        )
    return Snapshot(
        name=name,
        project=stack.name,
        number=number,
        when=time.time(),
        reason=reason,
        automatic=automatic,
        parts=tuple(parts),
        databases=tuple(databases),
        flushed=tuple(flushed),
        holds=tuple(holds),
    )


def complete(engine: Engine, stack: Stack, snapshot: Snapshot) -> None:
    """Make a drafted snapshot count. May be repeated."""
    marked = {
        PROJECT: stack.name,
        labels.DIRECTORY: str(stack.directory),
        labels.SNAPSHOT: snapshot.name,
        labels.SNAPSHOT_META: encode(snapshot),
    }
    engine.make_volume(snapshot.marker, marked)


def prune(engine: Engine, project: str, *, keep: Snapshot | None = None) -> tuple[Snapshot, ...]:
    """Remove the automatic snapshots that are too many, but `keep`; gives those. Their databases are the caller's to drop."""
    automatic = [snapshot for snapshot in list_snapshots(engine, project) if snapshot.automatic and not snapshot.holds]
    whole = [snapshot for snapshot in automatic if snapshot.databases]
    old = [snapshot for snapshot in automatic if snapshot in automatic[:-KEPT] or snapshot in whole[:-KEPT_DATABASES]]
    pruned = tuple(snapshot for snapshot in old if keep is None or snapshot.name != keep.name)
    for snapshot in pruned:
        remove(engine, snapshot)
    return pruned


def remove(engine: Engine, snapshot: Snapshot) -> None:
    """Delete a snapshot: its marker first, so that what a kill leaves is swept and never restored."""
    engine.remove_volume(snapshot.marker)
    for part in snapshot.parts:
        if part.copy:
            discard(engine, part.copy)


def note_inside(engine: Engine, stack: Stack, service: str, *, there: bool) -> None:
    """Remember whether snapshots of databases live on the server of a service."""
    name = f"{stack.name}_snapshots-inside_{service}"
    if there:
        engine.make_volume(name, {PROJECT: stack.name, labels.DIRECTORY: str(stack.directory), INSIDE: service})
    elif inside(engine, stack.name, service):
        engine.remove_volume(name)


def inside(engine: Engine, project: str, service: str) -> bool:
    """Whether snapshots of databases may live on the server of a service, as far as was remembered."""
    return any(volume.labels.get(PROJECT) == project for volume in engine.volumes(f"{INSIDE}={service}"))


def _copy(engine: Engine, stack: Stack, volume: Volume, name: str, image: str) -> str:
    copy = f"{stack.name}_snapshot_{name}_{volume.key}"
    engine.make_volume(
        copy,
        {
            PROJECT: stack.name,
            labels.DIRECTORY: str(stack.directory),
            labels.SNAPSHOT: name,
            labels.SNAPSHOT_OF: volume.name,
        },
    )
    engine.copy_volume(volume.name, copy, image=image)
    return copy


def free(engine: Engine, volume: str) -> None:
    """A command that was killed can leave a copying helper, which holds the volume."""
    for container in engine.containers():
        if labels.HELPER in container.labels and any(mount.name == volume for mount in container.mounts):
            engine.remove(container.id, anonymous_volumes=True)


def discard(engine: Engine, volume: str) -> None:
    """Remove a volume, and a helper that holds it. One that a killed command had just asked for may still be coming into being."""
    for pause in (0.2, 0.5, 0.0):
        free(engine, volume)
        try:
            engine.remove_volume(volume)
        except Conflict:
            if not pause:
                raise
            time.sleep(pause)
        else:
            return


def _sweep(engine: Engine, project: str, complete: Sequence[Snapshot]) -> None:
    """Remove the copies of snapshots that were never completed; never while something half-done may still need them."""
    kept = {name for snapshot in complete for name in (snapshot.marker, *(part.copy for part in snapshot.parts))}
    volumes = engine.volumes(f"{PROJECT}={project}")
    if any(PENDING in volume.labels for volume in volumes):
        raise DevstackError(
            f"{project}: a reset or restore was interrupted and must be finished first", hints=["devstack up"], code="pending"
        )
    for volume in volumes:
        if labels.SNAPSHOT in volume.labels and volume.name not in kept:
            discard(engine, volume.name)


def _check_name(name: str, before: Sequence[Snapshot]) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f'"{name}" is no name for a snapshot: use a-z, 0-9, "-" and "."', code="snapshot")
    if any(snapshot.name == name for snapshot in before):
        raise UsageError(f"there is a snapshot {name} already", hints=["choose another name, or remove that one"], code="snapshot")


def encode(snapshot: Snapshot) -> str:
    return json.dumps(asdict(snapshot))


def decode(text: str) -> Snapshot:
    body = json.loads(text)
    lists = {
        "parts": tuple(Part(**part) for part in body["parts"]),
        "databases": tuple(DatabasePart(**part) for part in body.get("databases", ())),
        "flushed": tuple(body.get("flushed", ())),
        "holds": tuple(body.get("holds", ())),
    }
    return Snapshot(**{**body, **lists})


def _measured(snapshot: Snapshot, sizes: Mapping[str, int | None]) -> Snapshot:
    return replace(snapshot, parts=tuple(replace(part, size=sizes.get(part.copy, part.size)) for part in snapshot.parts))
