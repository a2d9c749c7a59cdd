"""What the command line asks of `up`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaTask:
    """A database to bring up to date: which service, which database, which files, and why (pending files, unknown state)."""

    service: str
    database: str
    files: tuple[Path, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What the command line asks of `up`. `services` () means all; `scale` overrides replica counts."""

    services: tuple[str, ...] = ()
    no_deps: bool = False
    force_recreate: bool = False
    no_recreate: bool = False
    renew_anonymous: bool = False
    remove_orphans: bool = False
    scale: Mapping[str, int] = field(default_factory=dict)
    schema: tuple[SchemaTask, ...] = ()
