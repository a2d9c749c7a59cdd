"""Runs of a workflow."""

import uuid
from typing import Any

from fastapi import APIRouter, HTTPException
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from app.database import Session
from app.lookups import PageWanted, locked_run, one, page_of
from app.models import (
    EventType,
    ExecutionEvent,
    NodeExecution,
    NodeStatus,
    Workflow,
    WorkflowRun,
    WorkflowRunStatus,
)
from app.schemas import EventOut, Page, RunChange, RunNew, RunOut, RunWithNodes
from app.transitions import UNFINISHED_NODES, check_run

router = APIRouter(prefix="/runs", tags=["runs"])


@router.post("", status_code=201, response_model=RunOut)
async def create_run(body: RunNew, session: Session) -> WorkflowRun:
    """Starts a run: its status is `running`, and its first event `run_started`."""
    workflow = await one(session, Workflow, body.workflow_id, "workflow")
    run = WorkflowRun(workflow_id=workflow.id, input=body.input)
    session.add(run)
    await session.flush()
    session.add(ExecutionEvent(run_id=run.id, event_type=EventType.run_started, payload=body.input))
    await session.commit()
    return run


@router.get("", response_model=Page[RunOut])
async def list_runs(
    session: Session,
    paging: PageWanted,
    workflow_id: uuid.UUID | None = None,
    status: WorkflowRunStatus | None = None,
) -> dict[str, Any]:
    """Newest first."""
    query = select(WorkflowRun).order_by(WorkflowRun.started_at.desc(), WorkflowRun.id.desc())
    if workflow_id is not None:
        query = query.where(WorkflowRun.workflow_id == workflow_id)
    if status is not None:
        query = query.where(WorkflowRun.status == status)
    return await page_of(session, query, paging)


@router.get("/{run_id}", response_model=RunWithNodes)
async def read_run(run_id: uuid.UUID, session: Session) -> WorkflowRun:
    run = await session.scalar(
        select(WorkflowRun).where(WorkflowRun.id == run_id).options(selectinload(WorkflowRun.nodes))
    )
    if run is None:
        raise HTTPException(404, f"there is no run {run_id}")
    return run


@router.patch("/{run_id}", response_model=RunOut)
async def update_run(run_id: uuid.UUID, body: RunChange, session: Session) -> WorkflowRun:
    """Ends a run or sets its output. A finished run does not change any more (409)."""
    run = await locked_run(session, run_id)
    changes = {key: value for key, value in body.values().items() if getattr(run, key) != value}
    if not changes:
        return run  # the same request twice, say after a lost answer, is no error
    check_run(run.status, changes.get("status", run.status))
    if run.finished_at is not None:
        raise HTTPException(409, f"the run is {run.status.value}; it cannot be changed")
    for field, value in changes.items():
        setattr(run, field, value)
    if "status" in changes:
        await finish(session, run)
    await session.flush()
    await session.refresh(run)  # finished_at is the database's now()
    await session.commit()
    return run


async def finish(session: Session, run: WorkflowRun) -> None:
    unfinished = await session.scalars(
        select(NodeExecution).where(
            NodeExecution.run_id == run.id, NodeExecution.status.in_(UNFINISHED_NODES)
        )
    )
    nodes = unfinished.all()
    if nodes and run.status is WorkflowRunStatus.completed:
        names = ", ".join(sorted(node.node_id for node in nodes))
        raise HTTPException(409, f"the run has unfinished nodes: {names}")
    for node in nodes:  # the run failed, so nobody will finish them
        was_running = node.status is NodeStatus.running
        node.status = NodeStatus.failed if was_running else NodeStatus.skipped
        node.finished_at = func.now()
        node.error = "the run failed" if was_running else None
    run.finished_at = func.now()
    session.add(
        ExecutionEvent(
            run_id=run.id,
            event_type=EventType.run_completed,
            message=run.error,
            payload={"status": run.status.value},
        )
    )


@router.get("/{run_id}/events", response_model=Page[EventOut], tags=["events"])
async def list_events_of_run(
    run_id: uuid.UUID, session: Session, paging: PageWanted
) -> dict[str, Any]:
    """In the order in which they happened."""
    await one(session, WorkflowRun, run_id, "run")
    query = (
        select(ExecutionEvent)
        .where(ExecutionEvent.run_id == run_id)
        .order_by(ExecutionEvent.timestamp, ExecutionEvent.id)
    )
    return await page_of(session, query, paging)
