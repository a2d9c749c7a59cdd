"""What destroys data, and how it comes back: reset, restore and undo, each all or nothing.

Each first makes the copies of a snapshot, then leaves a pending marker that says what is to happen, and only then destroys. A kill
before the marker has changed nothing (the copies are swept); after it, the next command calls `finish`, which carries on to the end.
The caller holds the project's lock, and has stopped whatever uses the volumes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from devstack import labels
from devstack.compose.model import Stack, Strings, Volume
from devstack.database import snapshot as snapshots
from devstack.database.snapshot import NO_SIZES, PENDING, PROJECT, Part, Snapshot
from devstack.engine.base import Engine, Helper
from devstack.errors import DevstackError, UsageError

Action = Literal["restore", "reset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Something destructive that began. `saved` holds the data from before; `target` is what comes back (a restore's).

    `created` maps the volumes to their creation time before it began.
    """

    action: Action
    saved: Snapshot
    target: Snapshot | None
    created: Mapping[str, float]

    def __str__(self) -> str:
        what = f"restore of {self.target.name}" if self.target else "reset"
        return f"{what} (the data from before is kept as {self.saved.name})"


def reset(
    engine: Engine, stack: Stack, volumes: Sequence[Volume], *, images: Strings, sizes: Mapping[str, int] = NO_SIZES
) -> Snapshot:
    """Save the volumes as an automatic snapshot and remove them; the next `up` makes them anew and empty. Gives the snapshot.

    `images` maps volume names to an image that is on the engine (for the copying); external volumes are left alone.
    """
    saved = snapshots.draft(engine, stack, volumes, reason="reset", images=images, sizes=sizes, automatic=True)
    _carry_out(engine, stack, _begin(engine, stack, "reset", saved, None))
    return saved


def restore(
    engine: Engine,
    stack: Stack,
    snapshot: Snapshot,
    *,
    images: Strings,
    sizes: Mapping[str, int] = NO_SIZES,
    reason: str = "restore",
) -> Snapshot:
    """Give every volume of the snapshot the content it had, and remove one that did not exist; gives what was saved of the present.

    Volumes that the snapshot does not know are left alone.
    """
    volumes = [_volume_of(stack, part) for part in snapshot.parts]
    known = {part.volume: part.image for part in snapshot.parts if part.image}
    saved = snapshots.draft(engine, stack, volumes, reason=reason, images={**known, **images}, sizes=sizes, automatic=True)
    _carry_out(engine, stack, _begin(engine, stack, "restore", saved, snapshot))
    return saved


def undo(engine: Engine, stack: Stack, *, images: Strings, sizes: Mapping[str, int] = NO_SIZES) -> tuple[Snapshot, Snapshot]:
    """Bring back the data from before the last destructive command: (what came back, what was saved of the present).

    The present becomes the newest automatic snapshot, so that a second undo undoes the first. Raises UsageError
    "nothing-to-undo".
    """
    last = undoable(engine, stack.name)
    if last is None:
        raise UsageError(f"there is nothing to undo in {stack.name}: no command has destroyed data", code="nothing-to-undo")
    return last, restore(engine, stack, last, images=images, sizes=sizes, reason="undo")


def undoable(engine: Engine, project: str) -> Snapshot | None:
    """What `undo` would bring back."""
    automatic = [snapshot for snapshot in snapshots.list_snapshots(engine, project) if snapshot.automatic]
    return automatic[-1] if automatic else None


def pending(engine: Engine, project: str) -> Pending | None:
    """What a killed command left half-done, if anything. Nothing else may touch the stack's data before `finish`."""
    for volume in engine.volumes(f"{PROJECT}={project}"):
        if PENDING in volume.labels:
            body = json.loads(volume.labels[PENDING])
            return Pending(
                action=body["action"],
                saved=snapshots.decode(body["saved"]),
                target=snapshots.decode(body["target"]) if body["target"] else None,
                created=body["created"],
            )
    return None


def finish(engine: Engine, stack: Stack) -> Pending | None:
    """Carry a half-done restore or reset to its end, and say what it was; None when there is none.

    Whatever uses the volumes must be stopped. A volume that was made after a reset had removed the old one is not touched.
    """
    left = pending(engine, stack.name)
    if left is not None:
        _carry_out(engine, stack, left)
    return left


def _begin(engine: Engine, stack: Stack, action: Action, saved: Snapshot, target: Snapshot | None) -> Pending:
    names = [part.volume for part in saved.parts]
    there = engine.observe(stack.name, volumes=names).volumes
    begun = Pending(
        action=action,
        saved=saved,
        target=target,
        created={name: there[name].created for name in names if name in there},
    )
    body = {
        "action": action,
        "saved": snapshots.encode(saved),
        "target": snapshots.encode(target) if target else "",
        "created": dict(begun.created),
    }
    engine.make_volume(
        _marker(stack.name),
        {PROJECT: stack.name, labels.DIRECTORY: str(stack.directory), PENDING: json.dumps(body)},
    )
    return begun


def _carry_out(engine: Engine, stack: Stack, begun: Pending) -> None:
    """May be repeated from any point."""
    snapshots.complete(engine, stack, begun.saved, keep=begun.target)
    if begun.target is not None:
        for part in begun.target.parts:
            _put_back(engine, stack, part)
    else:
        now = engine.observe(stack.name, volumes=list(begun.created)).volumes
        for part in begun.saved.parts:
            there = now.get(part.volume)
            if there is not None and there.created == begun.created.get(part.volume):
                _remove(engine, _volume_of(stack, part), part.image)
    engine.remove_volume(_marker(stack.name))


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


def _marker(project: str) -> str:
    return f"{project}_snapshot-pending"
