"""Whether a container is still what the stack says, and which key says otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping

from devstack import labels
from devstack.compose.fields import changed, fields
from devstack.compose.model import Service, Stack
from devstack.engine.base import Container, Observed
from devstack.engine.labelling import config_hash
from devstack.plan.order import parents

# Keys that say when or how to make a container, not what it is.
NOT_THE_CONTAINER = ("build", "pull_policy", "scale", "depends_on", "profiles", "deploy.replicas")


def drift(stack: Stack, service: Service, container: Container, observed: Observed) -> str:
    """Why the container must be made again; "" when it need not."""
    return (
        _changed_keys(service, container, observed)
        or _changed_image(stack, service, container, observed)
        or _missing_network(stack, service, container, observed)
        or _missing_volume(stack, service, container)
    )


def changed_paths(service: Service, container: Container) -> tuple[str, ...]:
    """Paths of the model that differ from what the container was made with; () when nothing does or it cannot be told."""
    try:
        before = json.loads(container.labels.get(labels.FIELDS, ""))
    except ValueError:
        return ()
    if not isinstance(before, dict):
        return ()
    paths = changed({str(key): str(value) for key, value in before.items()}, fields(service.canonical))
    return tuple(path for path in paths if not _is_about_making(path))


def _is_about_making(path: str) -> bool:
    return any(path == key or path.startswith((f"{key}.", f"{key}[")) for key in NOT_THE_CONTAINER)


def _changed_keys(service: Service, container: Container, observed: Observed) -> str:
    if labels.FIELDS in container.labels:
        paths = changed_paths(service, container)
        return f"{_some(paths)} changed" if paths else ""
    # Made by Compose: only the hash can be compared, and Compose hashes `service:x` as the container it found.
    namespaces = {parent: found[0].id for parent in parents(service) if (found := observed.of(parent))}
    return "" if container.config_hash == config_hash(service, namespaces) else "its configuration changed since Compose made it"


def _changed_image(stack: Stack, service: Service, container: Container, observed: Observed) -> str:
    image = observed.images.get(stack.image_of(service))
    made_from = container.labels.get(labels.IMAGE) or container.image_id
    if image is None or image.id == made_from:
        return ""
    return f"image {stack.image_of(service)} is newer than the container"


def _missing_network(stack: Stack, service: Service, container: Container, observed: Observed) -> str:
    names = {stack.networks[a.network].name for a in service.networks if a.network in stack.networks}
    gone = sorted(name for name in names if name not in observed.networks and not _external(stack, name))
    if gone:
        return f"network {gone[0]} is gone"
    apart = sorted(names - set(container.networks))
    return f"not attached to network {apart[0]}" if apart and container.running else ""


def _missing_volume(stack: Stack, service: Service, container: Container) -> str:
    mounted: Mapping[str, str] = {mount.target: mount.name for mount in container.mounts if mount.type == "volume"}
    for mount in service.mounts:
        volume = stack.volumes.get(mount.source) if mount.type == "volume" else None
        if volume is not None and mounted.get(mount.target) != volume.name:
            return f"volume {volume.name} is not mounted at {mount.target}"
    return ""


def _external(stack: Stack, name: str) -> bool:
    return any(network.external and network.name == name for network in stack.networks.values())


def _some(paths: tuple[str, ...], most: int = 3) -> str:
    shown = ", ".join(paths[:most])
    return shown if len(paths) <= most else f"{shown} and {len(paths) - most} more"
