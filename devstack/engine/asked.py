"""One build that is asked for, and how its failure is told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from devstack.compose.model import Build, Service, Stack
from devstack.errors import DevstackError

TAIL = 20
"""How many of the builder's last lines a failure shows."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One build: of what, and how."""

    stack: Stack
    service: Service
    build: Build
    pull: bool
    no_cache: bool

    @property
    def image(self) -> str:
        return self.stack.image_of(self.service)

    @property
    def platform(self) -> str:
        """One platform: what is built here is to run here. Of several that are listed, the engine's own is taken."""
        if self.service.platform:
            return self.service.platform
        return self.build.platforms[0] if len(self.build.platforms) == 1 else ""


def failure(asked: Asked, lines: Iterable[str], hints: Iterable[str] = ()) -> DevstackError:
    last = [line for line in lines if line.strip()][-TAIL:]
    text = "\n".join(last)
    advice = list(hints)
    if re.search(r"failed to resolve source metadata|pull access denied|no such host", text):
        advice.append("a base image is not on this engine and cannot be pulled; build or load it first")
    return DevstackError(
        f"{asked.service.name}: building {asked.image} failed",
        code="build",
        details=[("context", asked.build.context), ("last lines", text)],
        hints=advice,
    )
