"""Events: what happened in a run."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path
from sqlalchemy import select

from app.database import Session
from app.lookups import PageWanted, one, page_of
from app.models import EventType, ExecutionEvent, NodeExecution, WorkflowRun
from app.schemas import EventChange, EventNew, EventOut, Page

router = APIRouter(prefix="/events", tags=["events"])

EventId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.post("", status_code=201, response_model=EventOut)
async def create_event(body: EventNew, session: Session) -> ExecutionEvent:
    await one(session, WorkflowRun, body.run_id, "run")
    if body.node_execution_id is not None:
        node = await one(session, NodeExecution, body.node_execution_id, "node execution")
        if node.run_id != body.run_id:
            raise HTTPException(409, f"node execution {node.id} is of another run, {node.run_id}")
    # Without a timestamp of its own the column has to stay out of the INSERT, for its default.
    event = ExecutionEvent(**body.model_dump(exclude_none=True))
    session.add(event)
    await session.commit()
    return event


@router.get("", response_model=Page[EventOut])
async def list_events(
    session: Session,
    paging: PageWanted,
    run_id: uuid.UUID | None = None,
    event_type: EventType | None = None,
) -> dict[str, Any]:
    """Newest first; `/runs/{id}/events` has those of one run in order."""
    query = select(ExecutionEvent).order_by(
        ExecutionEvent.timestamp.desc(), ExecutionEvent.id.desc()
    )
    if run_id is not None:
        query = query.where(ExecutionEvent.run_id == run_id)
    if event_type is not None:
        query = query.where(ExecutionEvent.event_type == event_type)
    return await page_of(session, query, paging)


@router.get("/{event_id}", response_model=EventOut)
async def read_event(event_id: EventId, session: Session) -> ExecutionEvent:
    return await find(session, event_id)


@router.patch("/{event_id}", response_model=EventOut)
async def update_event(event_id: EventId, body: EventChange, session: Session) -> ExecutionEvent:
    """Corrects the message or the payload."""
    event = await find(session, event_id)
    for field, value in body.values().items():
        setattr(event, field, value)
    await session.commit()
    return event


async def find(session: Session, event_id: int) -> ExecutionEvent:
    # The primary key has the timestamp in it as well, for the partitions; the id alone is unique.
    event = await session.scalar(select(ExecutionEvent).where(ExecutionEvent.id == event_id))
    if event is None:
        raise HTTPException(404, f"there is no event {event_id}")
    return event
