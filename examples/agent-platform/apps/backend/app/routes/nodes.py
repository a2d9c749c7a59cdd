"""Node executions of a run."""

import uuid

from fastapi import APIRouter, HTTPException
from sqlalchemy import func, select

from app.database import Session
from app.lookups import locked_run, one
from app.models import EventType, ExecutionEvent, NodeExecution, NodeStatus, WorkflowRun
from app.schemas import NodeChange, NodeNew, NodeOut
from app.transitions import UNFINISHED_NODES, check_node

router = APIRouter(prefix="/runs/{run_id}/nodes", tags=["nodes"])

EVENT_OF = {
    NodeStatus.running: EventType.node_started,
    NodeStatus.completed: EventType.node_completed,
    NodeStatus.failed: EventType.node_failed,
    NodeStatus.skipped: EventType.log,
}


@router.post("", status_code=201, response_model=NodeOut)
async def create_node_execution(
    run_id: uuid.UUID, body: NodeNew, session: Session
) -> NodeExecution:
    """Plans a node: its status is `pending`. A node of one run and attempt exists once (409)."""
    refuse_when_finished(await locked_run(session, run_id))
    taken = await session.scalar(
        select(NodeExecution.id).where(
            NodeExecution.run_id == run_id,
            NodeExecution.node_id == body.node_id,
            NodeExecution.attempt == body.attempt,
        )
    )
    if taken is not None:
        raise HTTPException(409, f"the run already has attempt {body.attempt} of {body.node_id}")
    node = NodeExecution(run_id=run_id, **body.model_dump())
    session.add(node)
    await session.commit()
    return node


@router.get("", response_model=list[NodeOut])
async def list_node_executions(run_id: uuid.UUID, session: Session) -> list[NodeExecution]:
    """In the order in which they were planned."""
    await one(session, WorkflowRun, run_id, "run")
    nodes = await session.scalars(
        select(NodeExecution)
        .where(NodeExecution.run_id == run_id)
        .order_by(NodeExecution.created_at, NodeExecution.node_id, NodeExecution.attempt)
    )
    return list(nodes)


@router.patch("/{node_execution_id}", response_model=NodeOut)
async def update_node_execution(
    run_id: uuid.UUID, node_execution_id: uuid.UUID, body: NodeChange, session: Session
) -> NodeExecution:
    """Moves a node on, and writes the event that says so."""
    run = await locked_run(session, run_id)
    node = await one(session, NodeExecution, node_execution_id, "node execution")
    if node.run_id != run_id:
        raise HTTPException(404, f"run {run_id} has no node execution {node_execution_id}")
    changes = {key: value for key, value in body.values().items() if getattr(node, key) != value}
    if not changes:
        return node
    check_node(node.status, changes.get("status", node.status))
    if node.status not in UNFINISHED_NODES:
        raise HTTPException(409, f"the node is {node.status.value}; it cannot be changed")
    refuse_when_finished(run)
    for field, value in changes.items():
        setattr(node, field, value)
    if "status" in changes:
        stamp(session, node)
    await session.flush()
    await session.refresh(node)  # its times are the database's now()
    await session.commit()
    return node


def refuse_when_finished(run: WorkflowRun) -> None:
    if run.finished_at is not None:
        raise HTTPException(409, f"the run is {run.status.value}; its nodes cannot change")


def stamp(session: Session, node: NodeExecution) -> None:
    """The times and the event that go with the status just set."""
    if node.status is NodeStatus.running:
        node.started_at = func.now()
    else:
        node.finished_at = func.now()
    session.add(
        ExecutionEvent(
            run_id=node.run_id,
            node_execution_id=node.id,
            event_type=EVENT_OF[node.status],
            message=node.error,
            payload={
                "node_id": node.node_id,
                "attempt": node.attempt,
                "status": node.status.value,
                "tokens_used": node.tokens_used,
            },
        )
    )
