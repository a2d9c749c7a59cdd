"""Which databases a `schema` command is about, and how to reach each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from devstack.errors import DevstackError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from devstack.bring_up import Tool
    from devstack.cli.session import Session
    from devstack.compose.roles import Postgres
    from devstack.database.apply import RunTool
    from devstack.database.files import SchemaFiles
    from devstack.database.psql_engine import Psql
    from devstack.database.schema import OnFile
    from devstack.database.target import Target
    from devstack.spec.model import SchemaSpec, Spec

Database = Annotated[
    str | None,
    typer.Option("--database", "-d", help="Only this database: NAME, SERVICE or SERVICE/NAME.", show_default=False),
]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="End with 3 when something is found.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One database: its entry in devstack.yml, its files, where it answers, and the container it is in."""

    spec: Spec
    entry: SchemaSpec
    role: Postgres
    files: SchemaFiles
    target: Target
    container: str
    session: Session

    @property
    def place(self) -> str:
        return self.files.place

    @property
    def lock_file(self) -> Path:
        from devstack.bring_up import lock_path

        return lock_path(self.spec, self.entry)

    def tool(self, database: str = "") -> Tool:
        """The project's own tool, for this database or another one of its server."""
        from devstack.bring_up import Tool

        assert self.entry.tool is not None
        return Tool(self.session.engine, self.session.stack, self.entry.tool, self.role, database or self.files.database)

    def run_tool(self, database: str = "") -> RunTool:
        """What runs the tool, its lines shown."""
        tool = self.tool(database)
        return lambda: tool.migrate(lambda line: self.session.console.say(f"{tool.spec.name} | {line}"))

    @property
    def psql(self) -> Psql:
        from devstack.database.psql_engine import Psql

        return Psql(self.session.engine, self.container, self.role)

    def telling(self) -> AbstractContextManager[None]:
        """Within it an error that comes of a full disk says so."""
        from devstack.database.room import Disk, telling

        engine = self.session.engine
        return telling(Disk(engine, engine.inspect(self.container), self.role))

    def fresh(self) -> tuple[str, ...]:
        """The facts of a database made from nothing by all the files."""
        from devstack.database.scratch import fresh_fingerprint

        tool_for = self.run_tool if self.entry.tool else None
        return fresh_fingerprint(self.target, self.files, tool_for=tool_for, psql=self.psql)


def databases(session: Session, named: str | None = None) -> tuple[Chosen, ...]:
    """The databases that are meant, all running. Raises UsageError for a name that none has, DevstackError for one that is down."""
    from devstack.bring_up import postgres_of, wanted_of
    from devstack.database.reach import target_of

    spec = spec_of(session)
    found = []
    for entry in spec.schema:
        files = wanted_of(session.engine, session.stack, spec, entry)
        if named and named not in (files.database, files.service, files.place):
            continue
        role = postgres_of(session.stack, entry.service)
        container = session.container(entry.service)
        target = target_of(role, container, session.engine.info.endpoint, files.database, near=True)
        found.append(Chosen(spec=spec, entry=entry, role=role, files=files, target=target, container=container.id, session=session))
    if not found:
        names = [f"{entry.service}/{entry.database}".rstrip("/") for entry in spec.schema]
        raise UsageError(f"devstack.yml has no schema for {named}", hints=[f"it has: {', '.join(names)}"])
    return tuple(found)


def only(session: Session, named: str | None) -> Chosen:
    """The one database that is meant. Raises UsageError when there are several."""
    found = databases(session, named)
    if len(found) > 1:
        raise UsageError("there are several databases", hints=[f"--database {chosen.place}" for chosen in found])
    return found[0]


def spec_of(session: Session) -> Spec:
    """The spec, which must have a schema."""
    spec = session.project.spec
    if spec is None:
        raise UsageError("a schema needs a devstack.yml", hints=["devstack init   (adopts the Compose file)"])
    if not spec.schema:
        from devstack.cli.databases import all_postgres

        service = next(iter(all_postgres(session)), "db")
        raise UsageError("devstack.yml names no schema", hints=[f'schema: {{service: {service}, files: ["db/*.sql"]}}'])
    return spec


def narrated(session: Session) -> OnFile:
    """Tells the story of an apply on stderr, a line a file."""

    def on_file(path: str, state: str, text: str = "") -> None:
        if state == "applied":
            session.console.say(f"{session.console.paint('✓', 'green')} {path}  {text}")
        elif state != "running":
            session.console.label(state, f"{path} {text}".strip())

    return on_file


def each(found: tuple[Chosen, ...], work: Callable[[Chosen], None]) -> None:
    """Do something for each database; with several, a failure of one says which it was and that the others were not reached."""
    for number, chosen in enumerate(found):
        try:
            with chosen.telling():
                work(chosen)
        except DevstackError as error:
            left = [other.place for other in found[number + 1 :]]
            if left:
                error.details = (*error.details, ("not reached", ", ".join(left)))
            raise
