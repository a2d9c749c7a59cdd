"""What destroys data, and how it comes back: reset, restore and undo, each all or nothing.

Each first makes what it needs (copies of volumes, complete new databases under work names), then leaves a pending marker that says what
is to happen, and only then destroys. A kill before the marker has changed nothing (what was made is swept); after it, the next command
calls `finish`, which carries on to the end. A change of nothing but databases of one server needs no such marker: the server renames
them in one transaction. The caller holds the project's lock, and has stopped whatever uses the volumes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from devstack.compose.model import EMPTY, Stack, Strings, Volume
from devstack.database import snapshot as snapshots
from devstack.database.marks import Mark, aside_name
from devstack.database.pending import Action, Pending, forget, holding, leave, pending
from devstack.database.servers import Servers
from devstack.database.snapshot import NO_SIZES, DatabasePart, Part, Snapshot
from devstack.engine.base import Engine, Helper
from devstack.errors import DevstackError, UsageError


def reset(
    engine: Engine,
    stack: Stack,
    volumes: Sequence[Volume],
    *,
    images: Strings,
    sizes: Mapping[str, int] = NO_SIZES,
    databases: Sequence[DatabasePart] = (),
    flushed: Strings = EMPTY,
    servers: Servers | None = None,
    reason: str = "reset",
    holds: Sequence[str] = (),
) -> Snapshot:
    """Save all of it as an automatic snapshot and put the clean state in its place. Gives the snapshot.

    Volumes are removed; the next `up` makes them anew and empty. `images` maps their names to an image that is on the engine (for the
    copying); external ones are left alone. Databases are replaced by their `incoming` ones. Services in `flushed` (service -> its
    volume's key, or "") are emptied by their own command, and take no writes while their volumes are copied; those stay.
    `holds` are the names of snapshots that live inside a volume that goes.
    """
    with _still(engine, stack, servers, tuple(flushed)) as fasten:
        saved = snapshots.draft(
            engine,
            stack,
            volumes,
            reason=reason,
            images=images,
            sizes=sizes,
            automatic=True,
            databases=databases,
            flushed=flushed,
            holds=holds,
        )
        fasten()
        begun = _begin(engine, stack, "reset", saved, None)
        _carry_out(engine, stack, begun, servers)
    return saved


@contextmanager
def _still(engine: Engine, stack: Stack, servers: Servers | None, services: tuple[str, ...]) -> Iterator[Callable[[], None]]:
    """These services take no writes; what it gives is called where there is no way back any more."""
    if not servers or not services:
        yield lambda: None
        return
    with holding(engine, stack, services), servers.held(services) as fasten:
        yield fasten


def restore(
    engine: Engine,
    stack: Stack,
    snapshot: Snapshot,
    *,
    images: Strings,
    sizes: Mapping[str, int] = NO_SIZES,
    reason: str = "restore",
    servers: Servers | None = None,
) -> Snapshot:
    """Give every volume of the snapshot the content it had, and remove one that did not exist; gives what was saved of the present.

    Databases that it put aside get their names back. What the snapshot does not know is left alone.
    """
    volumes = [_volume_of(stack, part) for part in snapshot.parts]
    known = {part.volume: part.image for part in snapshot.parts if part.image}
    databases = [replaced(part.service, part.database, part.aside) for part in snapshot.databases]
    saved = snapshots.draft(
        engine,
        stack,
        volumes,
        reason=reason,
        images={**known, **images},
        sizes=sizes,
        automatic=True,
        databases=databases,
    )
    _carry_out(engine, stack, _begin(engine, stack, "restore", saved, snapshot), servers)
    return saved


def replaced(service: str, database: str, incoming: str) -> DatabasePart:
    """`incoming` is to take the place of a database, which is kept under a name of its own."""
    return DatabasePart(service=service, database=database, aside=aside_name(database, time.time()), incoming=incoming)


def undo(
    engine: Engine, stack: Stack, *, images: Strings, sizes: Mapping[str, int] = NO_SIZES, servers: Servers | None = None
) -> tuple[Snapshot, Snapshot]:
    """Bring back the data from before the last destructive command: (what came back, what was saved of the present).

    The present becomes the newest automatic snapshot, so that a second undo undoes the first. Raises UsageError
    "nothing-to-undo".
    """
    last = undoable(engine, stack.name)
    if last is None:
        raise UsageError(f"there is nothing to undo in {stack.name}: no command has destroyed data", code="nothing-to-undo")
    gone = [part.aside for part in last.databases if not _of(servers).cluster(part.service).has(part.aside)]
    if gone:
        raise DevstackError(
            f"{last.name} cannot be brought back: {', '.join(gone)} is not on the server any more",
            hints=["devstack db prune   (forgets it)"],
            code="gone",
        )
    return last, restore(engine, stack, last, images=images, sizes=sizes, reason="undo", servers=servers)


def drop_unhappened(engine: Engine, project: str, servers: Servers) -> None:
    """Forget snapshots whose only databases were never put aside: the command was killed before it changed anything."""
    for snapshot in reversed(snapshots.list_snapshots(engine, project)):
        if not snapshot.automatic:
            continue
        if not is_one_swap(snapshot):
            return
        if all(servers.cluster(part.service).has(part.aside) for part in snapshot.databases):
            return
        snapshots.remove(engine, snapshot)


def undoable(engine: Engine, project: str) -> Snapshot | None:
    """What `undo` would bring back."""
    automatic = [snapshot for snapshot in snapshots.list_snapshots(engine, project) if snapshot.automatic]
    return automatic[-1] if automatic else None


def finish(engine: Engine, stack: Stack, servers: Servers | None = None) -> Pending | None:
    """Carry a half-done restore or reset to its end, and say what it was; None when there is none.

    Whatever uses the volumes must be stopped. A volume that was made after a reset had removed the old one is not touched.
    """
    left = pending(engine, stack.name)
    if left is not None:
        _carry_out(engine, stack, left, servers)
    return left


def _begin(engine: Engine, stack: Stack, action: Action, saved: Snapshot, target: Snapshot | None) -> Pending:
    names = [part.volume for part in saved.parts]
    there = engine.observe(stack.name, volumes=names).volumes if names else {}
    begun = Pending(
        action=action,
        saved=saved,
        target=target,
        created={name: there[name].created for name in names if name in there},
    )
    if is_one_swap(saved):
        return begun
    leave(engine, stack, begun)
    return begun


def abandon(engine: Engine, stack: Stack) -> None:
    """Give a half-done restore or reset up; what it had saved counts as a snapshot."""
    left = pending(engine, stack.name)
    if left is not None:
        snapshots.complete(engine, stack, left.saved)
        forget(engine, stack.name)


def is_one_swap(saved: Snapshot) -> bool:
    """Whether it is nothing but databases of one server: that is one transaction."""
    return not saved.parts and not saved.flushed and len({part.service for part in saved.databases}) == 1


def _carry_out(engine: Engine, stack: Stack, begun: Pending, servers: Servers | None) -> None:
    """May be repeated from any point."""
    saved, target = begun.saved, begun.target
    snapshots.complete(engine, stack, saved)
    try:
        _swap(saved, servers)
    except DevstackError:
        if is_one_swap(saved):
            snapshots.remove(engine, saved)  # the server did all of it or nothing: nothing
        raise
    for service in saved.flushed:
        _of(servers).flush(service, saved.name)
    if target is not None:
        for part in target.parts:
            _put_back(engine, stack, part)
    else:
        _empty(engine, stack, begun)
    if target is not None and target.databases:
        snapshots.remove(engine, target)  # its databases are the live ones now
    pruned = snapshots.prune(engine, stack.name, keep=target)
    if not is_one_swap(saved):
        forget(engine, stack.name)
    for service in saved.flushed:
        _of(servers).forget(service, saved.name)
    _drop(pruned, servers)


def _empty(engine: Engine, stack: Stack, begun: Pending) -> None:
    """Remove the volumes of a reset, as far as they are still those that it saved."""
    now = engine.observe(stack.name, volumes=list(begun.created)).volumes if begun.created else {}
    for part in begun.saved.parts:
        there = now.get(part.volume)
        if there is not None and not part.flushed and there.created == begun.created.get(part.volume):
            _remove(engine, _volume_of(stack, part), part.image)


def _drop(pruned: Sequence[Snapshot], servers: Servers | None) -> None:
    """Drop what pruned snapshots had put aside, where a server is at hand: the rest is for `db prune`."""
    parts = [part for snapshot in pruned for part in snapshot.databases]
    for service in dict.fromkeys(part.service for part in parts):
        if servers is not None and servers.still(service):
            servers.cluster(service).drop_later([part.aside for part in parts if part.service == service])


def _swap(saved: Snapshot, servers: Servers | None) -> None:
    """Put every database in its place, those of one server at once."""
    for service in dict.fromkeys(part.service for part in saved.databases):
        cluster = _of(servers).cluster(service)
        mark = Mark(kind="aside", of="", name=saved.reason, project=saved.project, when=saved.when, server=cluster.version)
        parts = [part for part in saved.databases if part.service == service]
        cluster.swap_all([(part.database, part.aside, part.incoming, replace(mark, of=part.database)) for part in parts])


def _of(servers: Servers | None) -> Servers:
    if servers is None:
        raise DevstackError("databases are to be put in place and nobody says where their servers are", code="bug")
    return servers


def _put_back(engine: Engine, stack: Stack, part: Part) -> None:
    volume = _volume_of(stack, part)
    _remove(engine, volume, part.image)
    if part.copy:
        engine.create_volume(stack, volume)
        engine.copy_volume(part.copy, volume.name, image=part.image)


def _remove(engine: Engine, volume: Volume, image: str) -> None:
    """Remove a volume and its data. Removing one whose data lives elsewhere (NFS, a bound folder) would keep that: empty it first."""
    if image and (volume.driver_opts or volume.driver not in ("", "local")):
        command = ("find", "/data", "-mindepth", "1", "-delete")
        mounts = {volume.name: ("/data", False)}
        result = engine.helper(Helper(purpose=f"empty volume {volume.name}", image=image, command=command, mounts=mounts))
        if result.exit_code:
            words = result.stderr.decode(errors="replace").strip()
            raise DevstackError(f"volume {volume.name} could not be emptied", details=[("find says", words)])
    snapshots.discard(engine, volume.name)


def _volume_of(stack: Stack, part: Part) -> Volume:
    """The stack's own volume of that key; a bare one where the stack no longer has it."""
    volume = stack.volumes.get(part.key)
    if volume is None or volume.external or volume.name != part.volume:
        return Volume(key=part.key, name=part.volume, canonical={})
    return volume
