"""Which SQL files make a database's schema, in the order they are run, and what is in them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from devstack.compose.model import EMPTY
from devstack.database import source
from devstack.database.environment import Environment
from devstack.database.includes import file_checksum
from devstack.errors import SpecError

Kind = Literal["role", "versioned", "repeatable", "seed", "external"]
OutOfOrder = Literal["apply", "error"]
Edited = Literal["error", "ask", "warn"]
_DOWN = re.compile(rb"^--[ \t]*devstack:[ \t]*down[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ToolKey:
    """The project's own migration tool. `key` changes when the tool may have something new to do; "" is never known."""

    name: str
    key: str = ""

    @property
    def path(self) -> str:
        """What it is called in the ledger."""
        return f"tool:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFiles:
    """What makes the schema of one database. Files are called in the ledger by their path from `root`.

    They are run in this order: `roles`, then `files` (or the `tool`, which reads `files` itself), `repeatable`, `seeds`.
    """

    service: str
    database: str
    files: tuple[Path, ...]
    root: Path
    roles: tuple[Path, ...] = ()
    repeatable: tuple[Path, ...] = ()
    seeds: tuple[Path, ...] = ()
    reseed: bool = False
    variables: Mapping[str, str] = EMPTY
    out_of_order: OutOfOrder = "apply"
    edited: Edited = "error"
    transaction: Literal["file", "none"] = "file"
    tool: ToolKey | None = None

    def name(self, file: Path) -> str:
        return os.path.relpath(file, self.root).replace(os.sep, "/")

    @property
    def place(self) -> str:
        return f"{self.service}/{self.database}"

    @property
    def listed(self) -> tuple[tuple[Kind, Path], ...]:
        """The files that devstack runs itself, in order; one that is listed twice counts where it stands first."""
        found: dict[Path, Kind] = {}
        groups: tuple[tuple[Kind, tuple[Path, ...]], ...] = (
            ("role", self.roles),
            ("versioned", () if self.tool else self.files),
            ("repeatable", self.repeatable),
            ("seed", self.seeds),
        )
        for kind, paths in groups:
            for path in paths:
                found.setdefault(path, kind)
        return tuple((kind, path) for path, kind in found.items())


@dataclass(frozen=True)
class Item:
    """One file as it is now, or the tool (`file` None). `position` is its place in the order."""

    path: str
    kind: Kind
    position: int
    checksum: str
    data: bytes = b""
    file: Path | None = None

    @cached_property
    def _marker(self) -> re.Match[bytes] | None:
        # A look for the word first: the expression takes long over a dump of megabytes.
        return _DOWN.search(self.data) if self.kind == "versioned" and b"devstack:" in self.data else None

    @property
    def up(self) -> bytes:
        """What is run to apply it: all of the file, or what stands before its `-- devstack: down`."""
        return self.data[: self._marker.start()] if self._marker else self.data

    @property
    def down(self) -> bytes | None:
        """What takes it back, its lines numbered as in the file; None when the file does not say."""
        if self._marker is None:
            return None
        before = self.data[: self._marker.end()].count(b"\n")
        return b"\n" * before + self.data[self._marker.end() :]

    @property
    def is_sql(self) -> bool:
        return self.file is not None and self.file.suffix.lower() not in (".csv", ".json", ".jsonl", ".ndjson", ".yml", ".yaml")


def read(files: SchemaFiles) -> dict[str, Item]:
    """Everything that makes the schema, by its name in the ledger and in order. All unreadable files are reported at once."""
    items: dict[str, Item] = {}
    problems: list[SpecError] = []
    tool = files.tool
    environment = Environment(root=files.root, variables=files.variables)

    def add_tool() -> None:
        if tool is not None and tool.path not in items:
            items[tool.path] = Item(tool.path, "external", len(items), tool.key)

    for kind, file in files.listed:
        if kind != "role":
            add_tool()
        name = files.name(file)
        try:
            data = source.read(file, name)
        except SpecError as error:
            problems.append(error)
            continue
        items[name] = Item(name, kind, len(items), file_checksum(data, name, environment), data, file)
    add_tool()
    raise_problems(problems)
    return items


def raise_problems(found: Sequence[object]) -> None:
    """Raise all problems of the SpecErrors among these as one."""
    problems = [problem for item in found if isinstance(item, SpecError) for problem in item.problems]
    if problems:
        raise SpecError(problems)
