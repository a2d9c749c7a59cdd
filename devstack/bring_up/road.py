"""Observe, plan, execute."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Thread

from devstack.bring_up.ends import with_ends
from devstack.bring_up.files import check_files
from devstack.bring_up.ports import check_ports
from devstack.bring_up.schema import apply, schema_tasks
from devstack.bring_up.tool import Tool
from devstack.compose.model import EMPTY, Stack, Strings
from devstack.engine.base import Engine, Observed, OnProgress
from devstack.errors import Unhealthy
from devstack.execute import Executor, Happened, Results
from devstack.execute.actions import Actions
from devstack.plan.steps import ApplySchema, Plan
from devstack.plan.up import UpOptions, plan_up
from devstack.spec.model import Spec

Observer = Callable[[Happened], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What came of it: the plan, its results, and the stack as it was seen before."""

    plan: Plan
    results: Results
    before: Observed


def make_plan(engine: Engine, stack: Stack, spec: Spec | None, observed: Observed, options: UpOptions) -> Plan:
    """The plan of an `up`, with the databases whose schema is not known to be up to date, and its ports checked."""
    notes = check_files(stack)
    observed = with_ends(engine, stack, observed)
    plan = plan_up(stack, observed, replace(options, schema=schema_tasks(engine, stack, spec, observed, options)))
    check_ports(engine, stack, spec, observed, plan)
    return replace(plan, notes=(*plan.notes, *notes)) if plan.steps else plan


def _import_driver() -> None:
    """It takes a tenth of a second, which passes while the servers start; what cannot be imported is told where it is used."""
    with suppress(ImportError):
        import devstack.database.schema  # noqa: F401


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
    tools: list[Tool] = []
    if any(isinstance(step, ApplySchema) for step in plan.steps):
        Thread(target=_import_driver, daemon=True).start()

    def apply_sql(step: ApplySchema, container: str, progress: OnProgress) -> str:
        assert spec is not None  # only a spec has a schema
        return apply(engine, stack, spec, step, container, progress, tools.append)

    ids = {(c.service, c.number): c.id for c in observed.containers if not c.oneoff}
    actions = Actions(engine, stack, apply_sql=apply_sql, ids=ids, extra_labels=extra_labels)
    try:
        results = Executor(engine, stack, actions, observer=observer, timeout=timeout).run(plan)
    except BaseException:
        for tool in tools:
            tool.stop()
        raise
    try:
        results.raise_first()
    except Unhealthy as error:
        from devstack.database.room import is_said

        if is_said(error):  # the rest of what a server says then frightens people
            error.hints = (
                "its disk is full: make room on what its volume lies on, or make that larger; then devstack up",
                *error.hints,
            )
        raise
    return Brought(plan=plan, results=results, before=observed)
