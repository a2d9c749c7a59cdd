"""A stack with some of its services taken out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from devstack.compose.model import Stack


def without(stack: Stack, names: Collection[str]) -> Stack:
    """The stack as if these services stood under a profile that is off; nobody waits for them any more."""
    left = {
        name: replace(service, depends_on=tuple(d for d in service.depends_on if d.service not in names))
        for name, service in stack.services.items()
        if name not in names
    }
    out = {name: service for name, service in stack.services.items() if name in names}
    return replace(stack, services=left, disabled={**stack.disabled, **out})
