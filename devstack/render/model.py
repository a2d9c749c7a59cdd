"""What rendering gives: files to be written, and what up, env and reports need to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack.render.instances import PortVariable

MARK = "rendered by devstack"
"""Stands in the first line of every rendered file; a file without it is somebody's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedFile:
    """One file to write. `purpose`: "compose", "env", "env-example", "dockerignore", "makefile", "package-json" or "template"."""

    path: Path
    text: str
    mode: int = 0o644
    purpose: str

    @property
    def needs_mark(self) -> bool:
        """Must a file that is in its place be one of ours? The others are edited line by line and lose nothing."""
        return self.purpose in ("compose", "dockerignore", "makefile", "template")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Everything rendered from one spec. `secrets` are the passwords that now stand in `.env`, for masking."""

    root: Path
    files: tuple[RenderedFile, ...]
    compose_files: tuple[Path, ...]
    new_secrets: int = 0
    secrets: tuple[str, ...] = ()
    port_variables: Mapping[str, PortVariable] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def masked(text: str, secrets: tuple[str, ...]) -> str:
    """The text with every secret as four stars, longest first."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "****")
    return text
