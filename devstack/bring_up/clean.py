"""The clean state of a database: what its files make of an empty one, kept as a template once it was made."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devstack.bring_up.schema import postgres_of, wanted_of
from devstack.bring_up.tool import Tool
from devstack.compose.model import Stack
from devstack.engine.base import Engine
from devstack.spec.model import SchemaSpec, Spec

if TYPE_CHECKING:
    from devstack.database.cluster import Cluster
    from devstack.database.files import Item, SchemaFiles
    from devstack.database.target import Target

_OF_THE_SERVER = re.compile(
    rb"^[ \t]*(?:create|drop)[ \t]+(?:role|user|group|database|tablespace|subscription)\b|^[ \t]*alter[ \t]+system\b"
    rb"|^[ \t]*\\c(?:onnect)?\b",
    re.IGNORECASE | re.MULTILINE,
)
"""What works on more than the database that a file is run in: it cannot be run in a second one beside the first."""
_BUILD = 1
"""Goes up when templates of an older devstack must not be used any more."""

OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """The clean state of one database of a service."""

    service: str
    database: str
    wanted: SchemaFiles
    items: dict[str, Item]
    entry: SchemaSpec

    @property
    def obstacle(self) -> str:
        """Why the state cannot be made in a second database of the same server; "" when it can."""
        named = re.compile(rb"\bdatabase\s+\"?" + re.escape(self.database.encode()) + rb"\b", re.IGNORECASE)
        for item in self.items.values():
            if item.kind != "role" and item.is_sql and _OF_THE_SERVER.search(item.data):
                return f"{item.path} changes more than its own database"
            if item.is_sql and named.search(item.data):
                return f"{item.path} names the database {self.database}"
        if self.wanted.tool is not None and not self.wanted.tool.key:
            return f"nobody said which files {self.wanted.tool.name} reads"
        return ""

    def key(self, version: int, user: str, locale: str) -> str:
        """Changes when the files, their order, their variables, the tool or the server do."""
        files = [(item.kind, item.path, item.checksum) for item in self.items.values()]
        parts = [_BUILD, files, sorted(self.wanted.variables.items()), self.wanted.transaction, version, user, locale]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def clean_states(engine: Engine, stack: Stack, spec: Spec, service: str, *, seed: bool = True) -> tuple[Clean, ...]:
    """The clean state of each database of a service that has an entry in devstack.yml; without `seed` it has no seeds."""
    from devstack.database import files

    states = []
    for entry in spec.schema:
        if entry.service == service:
            wanted = wanted_of(engine, stack, spec, entry)
            wanted = wanted if seed else replace(wanted, seeds=())
            items = files.read(wanted)
            states.append(Clean(service=service, database=wanted.database, wanted=wanted, items=items, entry=entry))
    return tuple(states)


def fill(engine: Engine, stack: Stack, clean: Clean, target: Target, on_line: OnLine) -> None:
    """Bring an empty database to the clean state. Raises SqlError and whatever applying raises."""
    from devstack.database import schema
    from devstack.database.psql_engine import Psql

    role = postgres_of(stack, clean.service)
    server = next((c.id for c in engine.containers(stack.name) if c.service == clean.service and c.running and not c.oneoff), "")

    def run_tool() -> None:
        assert clean.entry.tool is not None
        Tool(engine, stack, clean.entry.tool, role, target.database).migrate(on_line)

    def on_file(path: str, state: str, text: str = "") -> None:
        if state in ("notice", "waiting"):
            on_line(f"{state}  {path} {text}".rstrip())

    schema.apply(
        target,
        clean.wanted,
        wish=schema.Wish(run_tool=run_tool, psql=Psql(engine, server, role) if server else None),
        on_file=on_file,
    )


def template_of(engine: Engine, stack: Stack, cluster: Cluster, clean: Clean, on_line: OnLine, on_build: Callable[[], None]) -> str:
    """The name of the template database of this state; it is made when the server has none, and `on_build` told."""
    from devstack.database import templates

    locale = templates.locale(cluster, clean.database)
    key = clean.key(cluster.version, cluster.target.user, locale)

    def build(target: Target) -> None:
        on_build()
        fill(engine, stack, clean, target, on_line)

    return templates.ensure(cluster, clean.database, key, build)
