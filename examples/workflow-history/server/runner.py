"""Runs a workflow: its nodes one after the other, each with a row of the history.

Every step is committed when it begins and when it ends, and no connection is held while a node
works. A run that is cut off keeps what it has done.
"""

import logging
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from server.db_models import Node, Run, RunNode, Status, Workflow
from server.logs import bind, request_id
from server.node_types import KINDS, Context, NodeFailed, NodeType
from server.schemas import RunAnswer
from server.settings import Settings
from server.values import printable, trouble_with

log = logging.getLogger("server.runner")
ABANDONED = "the server stopped while this was going on"


class NoSuchWorkflow(Exception):
    pass


class NothingToRun(Exception):
    pass


@dataclass(frozen=True)
class Runner:
    sessions: sessionmaker[Session]
    settings: Settings

    def run(self, workflow_id: uuid.UUID, given: Any) -> RunAnswer:
        """Runs to the end. Raises NoSuchWorkflow, NothingToRun, SQLAlchemyError."""
        with self.sessions() as session:
            run, nodes = begin(session, workflow_id, given)
            bind(run_id=str(run.id))
            log.info("run started", extra={"fields": {"workflow_id": str(workflow_id)}})
            try:
                self.carry_out(session, run, nodes)
            except Exception as error:
                # Not a node that failed: the database, or a fault of this program.
                session.rollback()
                with suppress(SQLAlchemyError):
                    give_up(session, [run.id], f"the server failed: {type(error).__name__}")
                    session.commit()
                raise
            told = {"status": run.status, "steps": len(run.steps)}
            log.info("run finished", extra={"fields": told})
            return RunAnswer(
                run_id=run.id,
                status=Status(run.status),
                final_output=run.final_output,
                error=run.error,
            )

    def carry_out(self, session: Session, run: Run, nodes: list[Node]) -> None:
        context = Context(
            run_id=str(run.id),
            request_id=run.request_id,
            given=run.input,
            deadline=time.monotonic() + self.settings.run_timeout_seconds,
            allowed_hosts=self.settings.http_allowed_hosts,
        )
        value, why = run.input, None
        for node in nodes:
            step = started(session, run, node, value)
            try:
                value = output_of(node, value, context)
            except NodeFailed as failed:
                end(step, Status.FAILED, error=str(failed))
                why = f"node {node.order_index} ({node.node_type}): {step.error}"
                told = {"order_index": node.order_index, "error": step.error}
                log.warning("node failed", extra={"fields": {"node_type": node.node_type, **told}})
                break
            end(step, Status.SUCCEEDED)
            step.output = value
            context.outputs.append(value)
        # First the last step, then the run: their times are the database's, in this order.
        session.flush()
        end(run, Status.FAILED if why else Status.SUCCEEDED, error=why)
        run.final_output = None if why else value
        session.commit()

    def settle_abandoned(self) -> int:
        """Ends the runs that a server left behind, at twice the time they may take; how many."""
        longest = timedelta(seconds=2 * self.settings.run_timeout_seconds)
        with self.sessions() as session:
            dead = select(Run.id).where(
                Run.status == Status.RUNNING, Run.started_at < func.clock_timestamp() - longest
            )
            ids = list(session.scalars(dead.with_for_update(skip_locked=True)))
            give_up(session, ids, ABANDONED)
            session.commit()
        return len(ids)


def begin(session: Session, workflow_id: uuid.UUID, given: Any) -> tuple[Run, list[Node]]:
    workflow = session.get(Workflow, workflow_id)
    if workflow is None:
        raise NoSuchWorkflow
    nodes = list(workflow.nodes)
    if not nodes:
        raise NothingToRun
    run = Run(workflow_id=workflow_id, input=given, request_id=request_id(), steps=[])
    session.add(run)
    session.commit()
    return run, nodes


def started(session: Session, run: Run, node: Node, value: Any) -> RunNode:
    step = RunNode(
        run_id=run.id,
        node_id=node.id,
        order_index=node.order_index,
        node_type=node.node_type,
        config=node.config,
        input=value,
    )
    run.steps.append(step)
    session.commit()
    return step


def end(what: Run | RunNode, status: Status, error: str | None = None) -> None:
    what.status = status.value
    what.error = error and printable(error)
    what.finished_at = func.clock_timestamp()


def output_of(node: Node, value: Any, context: Context) -> Any:
    context.seconds_left()
    kind = KINDS.get(node.node_type)
    if kind is None:
        known = ", ".join(NodeType)
        raise NodeFailed(f"this server knows no node_type {node.node_type!r} (it knows {known})")
    try:
        ready = kind.model_validate({"node_type": node.node_type, "config": node.config})
    except ValidationError as error:
        first = error.errors()[0]
        raise NodeFailed(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    output = ready.run(value, context)
    said = trouble_with(output)
    if said:
        raise NodeFailed(f"the output cannot be kept: {said}")
    return output


def give_up(session: Session, runs: list[uuid.UUID], why: str) -> None:
    """What is still going on in these runs has failed."""
    failed = {"status": Status.FAILED.value, "error": why, "finished_at": func.clock_timestamp()}
    going_on = Status.RUNNING.value
    session.execute(
        update(RunNode).where(RunNode.run_id.in_(runs), RunNode.status == going_on).values(failed)
    )
    session.execute(update(Run).where(Run.id.in_(runs), Run.status == going_on).values(failed))
