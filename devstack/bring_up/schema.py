"""The databases of a stack: which files each needs, and applying them."""

from __future__ import annotations

from pathlib import Path

from devstack.compose.model import Stack
from devstack.compose.roles import Postgres, role_of
from devstack.engine.base import Engine, Observed, OnProgress, Progress
from devstack.errors import DevstackError, Problem, SpecError
from devstack.plan.options import SchemaTask, UpOptions
from devstack.plan.steps import ApplySchema
from devstack.plan.up import selected
from devstack.spec.model import SchemaSpec, Spec


def schema_tasks(engine: Engine, stack: Stack, spec: Spec | None, observed: Observed, options: UpOptions) -> tuple[SchemaTask, ...]:
    """The databases to bring up to date; one that answers already and has all its files applied is left out."""
    tasks: list[SchemaTask] = []
    names = selected(stack, options)
    for schema in spec.schema if spec else ():
        if schema.service not in names:
            continue
        files = schema_files(spec, schema) if spec else ()
        role = _postgres_of_spec(stack, schema)
        database = schema.database or role.database
        pending = _pending(engine, stack, spec, observed, role, database, files) if spec else len(files)
        if pending:
            tasks.append(
                SchemaTask(service=schema.service, database=database, files=files, reason=f"{pending} of {len(files)} to apply")
            )
    return tuple(tasks)


def schema_files(spec: Spec, schema: SchemaSpec) -> tuple[Path, ...]:
    """The SQL files of a schema: patterns in the order written, the files of one pattern by name."""
    found: dict[Path, None] = {}
    for pattern in schema.files:
        matches = sorted(path for path in spec.root.glob(pattern) if path.is_file())
        if not matches:
            from devstack.document import problem

            raise SpecError([problem(schema.where, f"no file matches {pattern}", path="schema.files")])
        found.update(dict.fromkeys(matches))
    return tuple(found)


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


def _pending(
    engine: Engine, stack: Stack, spec: Spec, observed: Observed, role: Postgres, database: str, files: tuple[Path, ...]
) -> int:
    """How many files are not applied for sure. A database that does not run yet has all of them pending."""
    container = next((c for c in observed.of(role.service) if c.running), None)
    if container is None:
        return len(files)
    from devstack.database import schema
    from devstack.database.reach import target_of

    target = target_of(role, container, engine.info.endpoint, database)
    wanted = schema.SchemaFiles(service=role.service, database=database, files=files, root=spec.root)
    try:
        states = schema.status(target, wanted)
    except DevstackError:
        return len(files)  # applying will say what is wrong, at its proper place
    return sum(1 for state in states if state.state != "applied" and state.state != "missing")


def apply(engine: Engine, stack: Stack, root: Path, step: ApplySchema, container: str, progress: OnProgress) -> str:
    from devstack.database import schema
    from devstack.database.reach import target_of

    role = postgres_of(stack, step.service.name)
    target = target_of(role, engine.inspect(container), engine.info.endpoint, step.database)
    wanted = schema.SchemaFiles(service=step.service.name, database=step.database, files=step.files, root=root)

    def on_file(path: str, state: str, text: str = "") -> None:
        progress(Progress(text=f"{state}  {path} {text}".rstrip()))

    applied = schema.apply(target, wanted, on_file=on_file)
    missing = f", {len(applied.missing)} no longer there: {', '.join(applied.missing)}" if applied.missing else ""
    return f"{len(applied.applied)} applied, {applied.unchanged} unchanged{missing}"
