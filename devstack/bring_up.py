"""The road of `up`: observe, check ports, plan, execute. Used by `up`, `reset`, `undo`, `restart` and by verify's twin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from devstack import labels
from devstack.compose.model import EMPTY, Service, Stack, Strings
from devstack.compose.roles import Postgres, data_is_mounted_beside, postgres_mount_problem, role_of
from devstack.engine.base import Container, Engine, Observed, OnProgress, Progress
from devstack.errors import DevstackError, PortTaken, Problem, SpecError, Where
from devstack.execute import Executor, Happened, Results
from devstack.execute.actions import Actions
from devstack.plan.steps import ApplySchema, Build, Create, Plan, Pull, Remove, Start, Stop
from devstack.plan.up import SchemaTask, UpOptions, plan_up
from devstack.spec.model import SchemaSpec, Spec

if TYPE_CHECKING:
    from devstack.engine.ports import Holder

EVERYWHERE = "every address"
Observer = Callable[[Happened], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What came of it: the plan, its results, and the stack as it was seen before."""

    plan: Plan
    results: Results
    before: Observed


def look(engine: Engine, stack: Stack) -> Observed:
    """One look at all a stack is made of."""
    return engine.observe(
        stack.name,
        images={stack.image_of(service) for service in stack.services.values()},
        networks={network.name for network in stack.networks.values()},
        volumes={volume.name for volume in stack.volumes.values()},
    )


def make_plan(engine: Engine, stack: Stack, spec: Spec | None, observed: Observed, options: UpOptions) -> Plan:
    """The plan of an `up`, with the databases whose schema is not known to be up to date, and its ports checked."""
    notes = check_mounts(stack)
    plan = plan_up(stack, observed, replace(options, schema=schema_tasks(engine, stack, spec, observed, options)))
    check_ports(engine, stack, spec, observed, plan)
    return replace(plan, notes=(*plan.notes, *notes)) if plan.steps else plan


def carry_out(
    engine: Engine,
    stack: Stack,
    spec: Spec | None,
    plan: Plan,
    observed: Observed,
    *,
    observer: Observer | None = None,
    timeout: float = 600.0,
    extra_labels: Strings = EMPTY,
) -> Brought:
    """Execute a plan; raises the first step's error when one failed."""
    root = spec.root if spec else stack.directory

    def apply_sql(step: ApplySchema, container: str, progress: OnProgress) -> str:
        return _apply(engine, stack, root, step, container, progress)

    ids = {(c.service, c.number): c.id for c in observed.containers if not c.oneoff}
    actions = Actions(engine, stack, apply_sql=apply_sql, ids=ids, extra_labels=extra_labels)
    results = Executor(engine, stack, actions, observer=observer, timeout=timeout).run(plan)
    results.raise_first()
    return Brought(plan=plan, results=results, before=observed)


def check_mounts(stack: Stack) -> tuple[str, ...]:
    """Refuse a Postgres whose volume is mounted beside its data folder: its data would silently be lost.

    Data that is kept nowhere on purpose (tmpfs, a nameless volume) is only worth a note; the notes are given back.
    """
    notes: list[str] = []
    for service in stack.services.values():
        problem = postgres_mount_problem(service)
        if problem and data_is_mounted_beside(service):
            raise SpecError([Problem(_where_mounted(stack, service.name), problem, path=f"services.{service.name}.volumes")])
        if problem:
            notes.append(f"{service.name}: {problem}")
    return tuple(notes)


def _where_mounted(stack: Stack, service: str) -> Where:
    """The place of a service's `volumes:` in the last Compose file that has one."""
    from devstack.document import MappingNode, read

    place = Where(str(stack.files[-1]))
    for path in stack.files:
        node = read(path) if path.is_file() else None
        for key in ("services", service, "volumes"):
            node = node.get(key) if isinstance(node, MappingNode) else None
        if node is not None:
            place = node.where
    return place


# Schema


def schema_tasks(engine: Engine, stack: Stack, spec: Spec | None, observed: Observed, options: UpOptions) -> tuple[SchemaTask, ...]:
    """The databases to bring up to date; one that answers already and has all its files applied is left out."""
    tasks: list[SchemaTask] = []
    for schema in spec.schema if spec else ():
        if schema.service not in stack.services or (options.services and schema.service not in options.services):
            continue
        files = schema_files(spec, schema) if spec else ()
        role = postgres_of(stack, schema.service)
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


def _apply(engine: Engine, stack: Stack, root: Path, step: ApplySchema, container: str, progress: OnProgress) -> str:
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


# Ports


def check_ports(engine: Engine, stack: Stack, spec: Spec | None, observed: Observed, plan: Plan) -> None:
    """Bind every port the plan will publish; raise `PortTaken` naming who holds which before anything is created."""
    from devstack.engine.ports import bindable, holder

    freed = {step.container for step in plan.steps if isinstance(step, Stop | Remove)}
    ours = {c.id for c in observed.containers if c.running}
    begun = {
        step.service.name: step.service for step in plan.steps if isinstance(step, Create | Start) and not _resumes(step, ours)
    }
    everybody: tuple[Container, ...] | None = None
    problems: list[_TakenPort] = []
    for service in begun.values():
        for ip, port, protocol in _host_ports(service):
            if bindable(ip, port, protocol):
                continue
            everybody = engine.containers() if everybody is None else everybody
            who = holder(port, ip, protocol, everybody)
            if who is not None and who.id in freed:
                continue
            problems.append(_TakenPort(service, ip, port, str(who) if who else "an unknown process", _way_to_stop(who, everybody)))
    if problems:
        raise _taken(problems, spec)


@dataclass(frozen=True, slots=True)
class _TakenPort:
    service: Service
    ip: str
    port: int
    holder: str
    stop: str


def _way_to_stop(who: Holder | None, everybody: tuple[Container, ...]) -> str:
    """The command that frees the port, as far as it can be known."""
    container = next((c for c in everybody if who is not None and c.id == who.id), None)
    if container is None:
        return f"kill {who.pid}" if who is not None and who.pid else "stop what holds it"
    folder = container.labels.get(labels.WORKING_DIR, "")
    return f"cd {folder} && devstack down" if folder else f"docker stop {container.name}"


def _resumes(step: Create | Start, ours: set[str]) -> bool:
    return isinstance(step, Start) and step.container in ours


def _host_ports(service: Service) -> Iterable[tuple[str, int, str]]:
    for port in service.ports:
        if port.published.isdigit() and port.published != "0":
            yield port.host_ip, int(port.published), port.protocol


def _taken(problems: list[_TakenPort], spec: Spec | None) -> PortTaken:
    first, *others = problems
    name = first.service.name
    where = spec.services[name].where if spec and name in spec.services else None
    details = [("wanted by", f"{name} ({where})" if where else name), ("held by", first.holder)]
    details += [("also", f"port {p.port} on {p.ip or EVERYWHERE} for {p.service.name}, held by {p.holder}") for p in others]
    another = f"devstack up --port {name}={first.port + 1}   (kept in .env)" if spec else f"publish another port for {name}"
    return PortTaken(
        f"port {first.port} on {first.ip or EVERYWHERE} is taken",
        details=[*details, ("so far", "nothing was started")],
        hints=[first.stop, another],
    )


# Images that are wanted anew


def image_steps(stack: Stack, names: Iterable[str], *, build: bool, pull: bool) -> tuple[Build | Pull, ...]:
    """Builds and pulls asked for by the command line or by `pull_policy`, whether or not the image is there."""
    steps: dict[str, Build | Pull] = {}
    for name in names:
        service = stack.services[name]
        image = stack.image_of(service)
        if service.build is not None and (build or service.pull_policy == "build"):
            steps.setdefault(image, Build(service=service, image=image, reason="asked for"))
        elif service.build is None and (pull or service.pull_policy == "always"):
            steps.setdefault(image, Pull(reference=image, platform=service.platform, services=(name,), reason="asked for"))
    return tuple(steps.values())


def renew(engine: Engine, stack: Stack, steps: tuple[Build | Pull, ...], observer: Observer) -> None:
    """Build and pull side by side; raises the first error."""
    if steps:
        Executor(engine, stack, Actions(engine, stack), observer=observer).run(Plan(steps=steps)).raise_first()
