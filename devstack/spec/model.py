"""The Spec: what the user wrote in devstack.yml, checked and typed, before anything is rendered.

Values are not interpolated yet where Compose would interpolate them later; paths are absolute. `overlay` holds the Compose keys a
service carries beside its kind's options, as the YAML nodes they were, so that every later error can name their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.compose.model import EMPTY
from devstack.errors import Where

if TYPE_CHECKING:
    from devstack.document import MappingNode, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """One service. `kind` "" is a plain Compose service. `options` are the kind's own, with variables filled in, `overlay` the Compose keys."""

    name: str
    where: Where
    kind: str = ""
    options: Mapping[str, Node] = EMPTY
    overlay: MappingNode


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaSpec:
    """One database and the SQL files that make its schema, in order; globs are kept as written."""

    where: Where
    service: str = ""
    database: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifySpec:
    """What `devstack verify` holds the stack to. `startup` in seconds."""

    startup: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSpec:
    """Which files are rendered and where; None: not rendered. Paths are absolute."""

    compose: Path
    env: Path
    env_example: Path | None = None
    dockerignore: tuple[Path, ...] = ()
    makefile: Path | None = None
    package_json: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A whole devstack.yml, devstack.local.yml merged in. `root` is its folder, `name` the project name it asks for."""

    root: Path
    files: tuple[Path, ...]
    name: str
    compose: tuple[Path, ...] = ()
    services: Mapping[str, ServiceSpec] = EMPTY
    schema: tuple[SchemaSpec, ...] = ()
    verify: VerifySpec = VerifySpec()
    render: RenderSpec
    profiles: tuple[str, ...] = ()
    top: Mapping[str, Node] = EMPTY
    """Top-level Compose keys beside `services`: volumes, networks, secrets, configs, x-*."""
    notes: tuple[str, ...] = ()
    """What a person should know and no error says, for example that devstack.yaml stands unread beside devstack.yml."""
