"""Markers of something destructive that has begun: bare volumes whose labels say what it is, for whoever must finish it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from devstack import labels
from devstack.compose.model import Stack
from devstack.database import snapshot as snapshots
from devstack.database.snapshot import HELD, PENDING, PROJECT, Snapshot
from devstack.engine.base import Engine

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


def pending(engine: Engine, project: str) -> Pending | None:
    """What a killed command left half-done, if anything. Nothing else may touch the stack's data before `finish`."""
    return left_behind(engine, project)[0]


def left_behind(engine: Engine, project: str) -> tuple[Pending | None, tuple[str, ...]]:
    """What a killed command left half-done, and the services that it held still: their writers wait."""
    half, held = None, list[str]()
    for volume in engine.volumes(f"{PROJECT}={project}"):
        if PENDING in volume.labels:
            body = json.loads(volume.labels[PENDING])
            half = Pending(
                action=body["action"],
                saved=snapshots.decode(body["saved"]),
                target=snapshots.decode(body["target"]) if body["target"] else None,
                created=body["created"],
            )
        held += json.loads(volume.labels.get(HELD, "[]"))
    return half, tuple(held)


@contextmanager
def holding(engine: Engine, stack: Stack, services: Sequence[str]) -> Iterator[None]:
    """Meanwhile a marker says that these services are held still, for whoever must let them go should we be killed."""
    made = {PROJECT: stack.name, labels.DIRECTORY: str(stack.directory), HELD: json.dumps(list(services))}
    engine.make_volume(_held(stack.name), made)
    try:
        yield
    finally:
        release(engine, stack.name)


def release(engine: Engine, project: str) -> None:
    """They are held no more."""
    engine.remove_volume(_held(project))


def leave(engine: Engine, stack: Stack, begun: Pending) -> None:
    """Make the marker."""
    body = {
        "action": begun.action,
        "saved": snapshots.encode(begun.saved),
        "target": snapshots.encode(begun.target) if begun.target else "",
        "created": dict(begun.created),
    }
    engine.make_volume(
        _marker(stack.name),
        {PROJECT: stack.name, labels.DIRECTORY: str(stack.directory), PENDING: json.dumps(body)},
    )


def forget(engine: Engine, project: str) -> None:
    """It is finished."""
    engine.remove_volume(_marker(project))


def _marker(project: str) -> str:
    return f"{project}_snapshot-pending"


def _held(project: str) -> str:
    return f"{project}_snapshot-held"
