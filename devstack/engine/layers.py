"""How images came about, and those that newer builds have replaced."""

from __future__ import annotations

from devstack import labels
from devstack.engine.wire import Wire
from devstack.errors import Conflict, NotFound


def history(wire: Wire, image: str) -> tuple[str, ...]:
    """The step that made each layer, the newest first, with the arguments that the build was given."""
    found = wire.again(f"reading the history of {image}", lambda c: c.history(image))  # type: ignore[no-untyped-call]
    return tuple(item.get("CreatedBy") or "" for item in found)


def replaced(wire: Wire, project: str) -> tuple[str, ...]:
    """Ids of images that were built for the project, have lost their name since, and that no container uses."""
    filters = {"dangling": ["true"], "label": [f"{labels.PROJECT}={project}"]}
    found = wire.again("listing images", lambda c: c.images(filters=filters))
    if not found:
        return ()
    used = {item["ImageID"] for item in wire.again("listing containers", lambda c: c.containers(all=True))}
    return tuple(item["Id"] for item in found if item["Id"] not in used)


def remove(wire: Wire, image: str) -> bool:
    """False when it is gone already, or in use after all."""
    try:
        wire.again(f"removing image {image[:19]}", lambda c: c.remove_image(image))
    except (NotFound, Conflict):
        return False
    return True
