"""Workflows, their nodes, and running them."""

import uuid
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Body, HTTPException, Query, Request
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, selectinload

from server.database import Db
from server.db_models import Node, Run, Workflow
from server.runner import NoSuchWorkflow, NothingToRun
from server.schemas import (
    NewNode,
    NodeOut,
    Page,
    Paging,
    RunAnswer,
    RunNew,
    RunOut,
    WorkflowNew,
    WorkflowOut,
    WorkflowWithNodes,
)

router = APIRouter(prefix="/workflows", tags=["workflows"])
MOST_NODES = 200


def missing(workflow_id: uuid.UUID) -> HTTPException:
    return HTTPException(404, f"there is no workflow {workflow_id}")


@router.post("", status_code=201, response_model=WorkflowOut)
def create_workflow(body: WorkflowNew, session: Db) -> Workflow:
    workflow = Workflow(name=body.name)
    session.add(workflow)
    session.commit()
    return workflow


@router.get("/{workflow_id}", response_model=WorkflowWithNodes)
def read_workflow(workflow_id: uuid.UUID, session: Db) -> Workflow:
    """With its nodes in the order in which they run."""
    query = select(Workflow).where(Workflow.id == workflow_id)
    workflow = session.scalar(query.options(selectinload(Workflow.nodes)))
    if workflow is None:
        raise missing(workflow_id)
    return workflow


@router.post("/{workflow_id}/nodes", status_code=201, response_model=NodeOut)
def add_node(workflow_id: uuid.UUID, body: NewNode, session: Db) -> Node:
    """At its order_index, where those from there on move by one; without one, at the end."""
    # Held, so that two who add at the same time do so one after the other.
    workflow = session.get(Workflow, workflow_id, with_for_update=True)
    if workflow is None:
        raise missing(workflow_id)
    place = place_for(session, workflow_id, body.order_index)
    node_type, config = body.stored()
    node = Node(workflow_id=workflow_id, order_index=place, node_type=node_type, config=config)
    session.add(node)
    session.commit()
    return node


def place_for(session: Session, workflow_id: uuid.UUID, wanted: int | None) -> int:
    mine = Node.workflow_id == workflow_id
    count = session.scalar(select(func.count()).where(mine)) or 0
    if count >= MOST_NODES:
        raise HTTPException(409, f"the workflow has {count} nodes; {MOST_NODES} is the most")
    if wanted is None:
        return count
    if wanted > count:
        raise HTTPException(
            422, f"order_index: the workflow has {count} nodes, so it may be 0 to {count}"
        )
    behind = update(Node).where(mine, Node.order_index >= wanted)
    session.execute(behind.values(order_index=Node.order_index + 1))
    return wanted


@router.post("/{workflow_id}/run")
async def run_workflow(
    workflow_id: uuid.UUID, request: Request, body: Annotated[RunNew | None, Body()] = None
) -> RunAnswer:
    """Runs the nodes one after the other, each on the output of the one before.

    The answer comes when the run is over. A run whose node failed is an answer too (200): its
    status is failed, and its history has the step that failed.
    """
    state = request.app.state
    given = body.input if body else None
    try:
        # Threads of their own: runs that wait do not keep other requests waiting.
        return await anyio.to_thread.run_sync(
            state.runner.run, workflow_id, given, limiter=state.run_slots
        )
    except NoSuchWorkflow:
        raise missing(workflow_id) from None
    except NothingToRun:
        raise HTTPException(409, f"workflow {workflow_id} has no nodes to run") from None


@router.get("/{workflow_id}/runs", response_model=Page[RunOut])
def list_runs(
    workflow_id: uuid.UUID, session: Db, paging: Annotated[Paging, Query()]
) -> dict[str, Any]:
    """Newest first."""
    if session.get(Workflow, workflow_id) is None:
        raise missing(workflow_id)
    query = select(Run).where(Run.workflow_id == workflow_id)
    if paging.status is not None:
        query = query.where(Run.status == paging.status.value)
    ordered = query.order_by(Run.started_at.desc(), Run.id.desc())
    return {
        "items": session.scalars(ordered.limit(paging.limit).offset(paging.offset)).all(),
        "total": session.scalar(select(func.count()).select_from(query.subquery())),
        "limit": paging.limit,
        "offset": paging.offset,
    }
