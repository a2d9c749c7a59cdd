"""How routes find rows: one by its key or 404, or a page of many."""

import uuid
from typing import Annotated, Any, TypeVar

from fastapi import HTTPException, Query
from pydantic import BaseModel, Field
from sqlalchemy import Select, func, select

from app.database import Session
from app.models import Base, WorkflowRun

Row = TypeVar("Row", bound=Base)


class Paging(BaseModel):
    limit: int = Field(default=50, ge=1, le=200)
    offset: int = Field(default=0, ge=0, le=1_000_000)


PageWanted = Annotated[Paging, Query()]


async def page_of(session: Session, query: Select[Any], paging: Paging) -> dict[str, Any]:
    """The fields of a `Page`: the rows of one page and how many there are in all."""
    counted = select(func.count()).select_from(query.order_by(None).subquery())
    rows = await session.scalars(query.limit(paging.limit).offset(paging.offset))
    return {
        "items": rows.all(),
        "total": await session.scalar(counted),
        "limit": paging.limit,
        "offset": paging.offset,
    }


async def one(session: Session, model: type[Row], key: Any, noun: str) -> Row:
    row = await session.get(model, key)
    if row is None:
        raise HTTPException(404, f"there is no {noun} {key}")
    return row


async def locked_run(session: Session, run_id: uuid.UUID) -> WorkflowRun:
    """The run, held until the transaction ends: changes of a run and its nodes take turns."""
    run = await session.scalar(
        select(WorkflowRun).where(WorkflowRun.id == run_id).with_for_update()
    )
    if run is None:
        raise HTTPException(404, f"there is no run {run_id}")
    return run
