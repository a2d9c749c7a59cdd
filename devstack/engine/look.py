"""One look at all a stack is made of: the engine's `observe` with the names the stack gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.compose.model import Stack
from devstack.engine.observed import Observed

if TYPE_CHECKING:
    from devstack.engine.base import Engine


def look(engine: Engine, stack: Stack) -> Observed:
    """Its containers, and every network, volume and image that it names, whoever made them."""
    return engine.observe(
        stack.name,
        images={stack.image_of(service) for service in stack.services.values()},
        networks={network.name for network in stack.networks.values()},
        volumes={volume.name for volume in stack.volumes.values()},
    )
