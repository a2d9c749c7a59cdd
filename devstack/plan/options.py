"""What the command line asks of `up`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaTask:
    """A database to bring up to date: which service, which database, which files, and why (pending files, unknown state).

    `tool` is the project's own migration tool, `run` the service in whose image it is.
    """

    service: str
    database: str
    files: tuple[Path, ...]
    reason: str = ""
    tool: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What the command line asks of `up`. `services` () means all; `scale` overrides replica counts, `seed` False leaves out the
    schema's seeds.
    """

    services: tuple[str, ...] = ()
    no_deps: bool = False
    force_recreate: bool = False
    no_recreate: bool = False
    renew_anonymous: bool = False
    remove_orphans: bool = False
    scale: Mapping[str, int] = field(default_factory=dict)
    schema: tuple[SchemaTask, ...] = ()
    seed: bool = True
