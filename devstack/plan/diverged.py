"""Networks and volumes that are there and are not what the files say any more.

They are kept: making a volume anew would lose its data, and making a network anew would cut off what others have attached to it.
What is not done is said, with the command that does it.
"""

from __future__ import annotations

from collections.abc import Iterator

from devstack import labels
from devstack.compose.hash import network_hash, volume_hash
from devstack.compose.model import Stack
from devstack.engine.base import Observed


def diverged(stack: Stack, observed: Observed) -> Iterator[str]:
    """A line for each network and volume whose label tells that it was made from other settings."""
    for network in stack.networks.values():
        seen = observed.networks.get(network.name)
        if seen is None or network.external or seen.labels.get(labels.PROJECT) != stack.name:
            continue
        if _differs(seen.labels.get(labels.CONFIG_HASH), network_hash(network.canonical)):
            yield f"network {network.name} was made with other settings and is kept: devstack down && devstack up makes it anew"
    for volume in stack.volumes.values():
        there = observed.volumes.get(volume.name)
        if there is None or volume.external or there.labels.get(labels.PROJECT) != stack.name:
            continue
        if _differs(there.labels.get(labels.CONFIG_HASH), volume_hash(volume.canonical)):
            yield f"volume {volume.name} was made with other settings and is kept with its data; docker volume rm makes room for a new one"


def _differs(seen: str | None, wanted: str) -> bool:
    """What carries no hash was made by hand, or on purpose without one."""
    return seen is not None and seen != wanted
