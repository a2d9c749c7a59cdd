"""Workflows: what can be run."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import select

from app.database import Session
from app.lookups import PageWanted, one, page_of
from app.models import Workflow
from app.schemas import Page, WorkflowChange, WorkflowNew, WorkflowOut

router = APIRouter(prefix="/workflows", tags=["workflows"])


@router.post("", status_code=201, response_model=WorkflowOut)
async def create_workflow(body: WorkflowNew, session: Session) -> Workflow:
    workflow = Workflow(name=body.name, definition=body.definition)
    session.add(workflow)
    await session.commit()
    return workflow


@router.get("", response_model=Page[WorkflowOut])
async def list_workflows(
    session: Session,
    paging: PageWanted,
    name: Annotated[str | None, Query(description="Only names that contain this")] = None,
) -> dict[str, Any]:
    """Newest first."""
    query = select(Workflow).order_by(Workflow.created_at.desc(), Workflow.id.desc())
    if name:
        query = query.where(Workflow.name.icontains(name, autoescape=True))
    return await page_of(session, query, paging)


@router.get("/{workflow_id}", response_model=WorkflowOut)
async def read_workflow(workflow_id: uuid.UUID, session: Session) -> Workflow:
    return await one(session, Workflow, workflow_id, "workflow")


@router.patch("/{workflow_id}", response_model=WorkflowOut)
async def update_workflow(
    workflow_id: uuid.UUID, body: WorkflowChange, session: Session
) -> Workflow:
    workflow = await one(session, Workflow, workflow_id, "workflow")
    for field, value in body.values().items():
        setattr(workflow, field, value)
    await session.commit()
    return workflow


@router.delete("/{workflow_id}", status_code=204)
async def delete_workflow(workflow_id: uuid.UUID, session: Session) -> None:
    """Removes its runs, their nodes and their events too."""
    await session.delete(await one(session, Workflow, workflow_id, "workflow"))
    await session.commit()
