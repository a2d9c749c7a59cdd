"""The databases of a stack: what makes the schema of each, and bringing them up to date."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from devstack.bring_up.tool import Tool
from devstack.compose.model import Stack
from devstack.compose.roles import Postgres, role_of
from devstack.engine.base import Engine, Observed, OnProgress, Progress
from devstack.errors import DevstackError, Problem, SpecError
from devstack.plan.options import SchemaTask, UpOptions
from devstack.plan.steps import ApplySchema
from devstack.plan.up import selected
from devstack.spec.model import SchemaSpec, Spec

if TYPE_CHECKING:
    from devstack.database.files import Edited, OutOfOrder, SchemaFiles, ToolKey
    from devstack.database.schema import Applied, FileState


def schema_tasks(engine: Engine, stack: Stack, spec: Spec | None, observed: Observed, options: UpOptions) -> tuple[SchemaTask, ...]:
    """The databases to bring up to date; one that answers already and has all its files applied is left out."""
    tasks: list[SchemaTask] = []
    names = selected(stack, options)
    if spec is None:
        return ()
    check_entries(stack, spec)
    for schema in spec.schema:
        if schema.service not in names:
            continue
        wanted = wanted_of(engine, stack, spec, schema)
        pending = _pending(engine, stack, observed, schema, wanted, seed=options.seed)
        if pending:
            tasks.append(
                SchemaTask(
                    service=schema.service,
                    database=wanted.database,
                    files=tuple(path for _, path in wanted.listed),
                    reason=pending,
                    tool=schema.tool.name if schema.tool else "",
                    run=schema.tool.run if schema.tool else "",
                )
            )
    return tuple(tasks)


def check_entries(stack: Stack, spec: Spec) -> None:
    """Each database has one entry. Raises SpecError."""
    seen: set[tuple[str, str]] = set()
    problems = []
    for index, schema in enumerate(spec.schema):
        database = schema.database or _postgres_of_spec(stack, schema).database
        if (schema.service, database) in seen:
            message = f"{schema.service}/{database} has an entry already"
            problems.append(Problem(schema.where, message, path=f"schema[{index}]", hint="put all its files into one"))
        seen.add((schema.service, database))
    if problems:
        raise SpecError(problems)


def wanted_of(engine: Engine, stack: Stack, spec: Spec, schema: SchemaSpec) -> SchemaFiles:
    """What makes a database's schema, with the patterns looked up and the policies of this environment."""
    from devstack.database.files import SchemaFiles

    role = _postgres_of_spec(stack, schema)
    files = schema_files(spec, schema)
    database = schema.database or role.database
    return SchemaFiles(
        service=schema.service,
        database=database,
        files=files,
        root=spec.root,
        roles=_matches(spec, schema, schema.roles, "roles"),
        repeatable=_matches(spec, schema, schema.repeatable, "repeatable"),
        seeds=_matches(spec, schema, schema.seeds, "seeds"),
        reseed=schema.reseed,
        variables=schema.variables,
        out_of_order=cast("OutOfOrder", schema.out_of_order.here(os.environ)),
        edited=cast("Edited", schema.edited.here(os.environ)),
        transaction=schema.transaction,
        tool=_tool_key(engine, stack, spec, schema, role, files),
    )


def _tool_key(
    engine: Engine, stack: Stack, spec: Spec, schema: SchemaSpec, role: Postgres, files: tuple[Path, ...]
) -> ToolKey | None:
    if schema.tool is None:
        return None
    from devstack.database.files import ToolKey
    from devstack.database.script import checksum

    checksums = {str(path.relative_to(spec.root)): checksum(path.read_bytes()) for path in files}
    return ToolKey(schema.tool.name, Tool(engine, stack, schema.tool, role, schema.database or role.database).key(checksums))


def schema_files(spec: Spec, schema: SchemaSpec) -> tuple[Path, ...]:
    """The SQL files of a schema: patterns in the order written, the files of one pattern by name."""
    return _matches(spec, schema, schema.files, "files")


def _matches(spec: Spec, schema: SchemaSpec, patterns: Iterable[str], key: str) -> tuple[Path, ...]:
    found: dict[Path, None] = {}
    for pattern in patterns:
        matches = sorted(path for path in spec.root.glob(pattern) if path.is_file())
        if not matches:
            from devstack.document import problem

            raise SpecError([problem(schema.where, f"no file matches {pattern}", path=f"schema.{key}")])
        found.update(dict.fromkeys(matches))
    return tuple(found)


def lock_path(spec: Spec, schema: SchemaSpec) -> Path:
    """Where a database's fingerprint is kept: as `lock` says, else db/schema.lock, one file a database where there are several."""
    usual = "schema.lock" if len(spec.schema) == 1 else f"{schema.service}-{schema.database or 'schema'}.lock"
    return spec.root / (schema.lock or f"db/{usual}")


def _postgres_of_spec(stack: Stack, schema: SchemaSpec) -> Postgres:
    """The Postgres a schema is for; told at the schema's place when it is none."""
    try:
        return postgres_of(stack, schema.service)
    except DevstackError as error:
        raise SpecError([Problem(schema.where, error.message, path="schema.service", hint=error.hints[0])]) from None


def postgres_of(stack: Stack, service: str) -> Postgres:
    """The Postgres a service is. Raises when it is none."""
    role = role_of(stack.services[service], stack.secrets)
    if not isinstance(role, Postgres):
        raise DevstackError(
            f"{service} is not a PostgreSQL service that devstack recognises",
            hints=["a schema needs a service of kind postgres, or an image called postgres"],
            code="no-database",
        )
    return role


def _pending(engine: Engine, stack: Stack, observed: Observed, schema: SchemaSpec, wanted: SchemaFiles, *, seed: bool) -> str:
    """What is not applied for sure, in a few words. A database that does not run yet has everything pending."""
    states = _states(engine, stack, observed, schema, wanted)
    count = len(wanted.listed)
    waiting = {path for _, path in wanted.listed} if states is None else {s.path for s in states if not _is_settled(s, seed)}
    tool = schema.tool is not None and (states is None or wanted.tool is None or wanted.tool.path in waiting)
    number = len(waiting) - (1 if states is not None and tool else 0)
    parts = [schema.tool.name] if tool and schema.tool else []
    return " and ".join([*parts, *([f"{number} of {count} to apply"] if number else [])])


def _is_settled(state: FileState, seed: bool) -> bool:
    from devstack.database.schema import CLEAN

    return state.state in CLEAN or state.state == "missing" or (state.kind == "seed" and not seed)


def _states(
    engine: Engine, stack: Stack, observed: Observed, schema: SchemaSpec, wanted: SchemaFiles
) -> tuple[FileState, ...] | None:
    """Each file's state; None when that cannot be asked now."""
    container = next((c for c in observed.of(schema.service) if c.running), None)
    if container is None:
        return None
    from devstack.database import schema as step
    from devstack.database.reach import target_of

    target = target_of(postgres_of(stack, schema.service), container, engine.info.endpoint, wanted.database)
    try:
        return step.status(target, wanted)
    except DevstackError:
        return None  # applying will say what is wrong, at its proper place


def entry_of(stack: Stack, spec: Spec, service: str, database: str) -> SchemaSpec:
    """The entry of devstack.yml for a database."""
    return next(
        entry
        for entry in spec.schema
        if entry.service == service and (entry.database or postgres_of(stack, service).database) == database
    )


def apply(
    engine: Engine,
    stack: Stack,
    spec: Spec,
    step: ApplySchema,
    container: str,
    progress: OnProgress,
    on_tool: Callable[[Tool], None] = lambda tool: None,
) -> str:
    """Carry out the step of a plan; its result in a few words. `on_tool` is told of a tool that begins, to be able to stop it."""
    from devstack.database import schema
    from devstack.database.psql_engine import Psql
    from devstack.database.reach import ended, target_of
    from devstack.database.room import Disk, telling

    role = postgres_of(stack, step.service.name)
    entry = entry_of(stack, spec, step.service.name, step.database)
    inside = engine.inspect(container)
    target = target_of(role, inside, engine.info.endpoint, step.database, near=True)
    wanted = wanted_of(engine, stack, spec, entry)

    def on_file(path: str, state: str, text: str = "") -> None:
        progress(Progress(text=f"{state}  {path} {text}".rstrip()))

    def run_tool() -> None:
        assert entry.tool is not None
        name = entry.tool.name
        tool = Tool(engine, stack, entry.tool, role, step.database)
        on_tool(tool)
        tool.migrate(lambda line: progress(Progress(text=f"{name} | {line}")))

    wish = schema.Wish(seeds=step.seed, run_tool=run_tool, psql=Psql(engine, container, role))
    with telling(Disk(engine, inside, role)):
        return in_words(schema.apply(target, wanted, wish=wish, on_file=on_file, gone=ended(engine, container)))


def in_words(applied: Applied) -> str:
    """What an apply did, in a few words."""
    files = [result for result in applied.applied if result.kind != "external"]
    parts = [f"{applied.tool} at {applied.head or 'its head'}"] if applied.tool else []
    if files or not parts:
        parts.append(f"{len(files)} applied, {applied.unchanged} unchanged")
    if applied.missing:
        parts.append(f"{len(applied.missing)} no longer there: {', '.join(applied.missing)}")
    if applied.left:
        parts.append(f"{len(applied.left)} edited since: {', '.join(applied.left)}")
    return ", ".join(parts)
