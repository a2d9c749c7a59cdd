"""How routes find rows, page through them, delete them softly and bring them back."""

import enum
import uuid
from typing import Annotated, Any, TypeVar

from fastapi import HTTPException, Query
from pydantic import BaseModel, Field
from sqlalchemy import Select
from sqlmodel import col, func, select

from app.database import SessionDep
from app.models.row import Row

R = TypeVar("R", bound=Row)


class Deleted(enum.StrEnum):
    EXCLUDE = "exclude"
    INCLUDE = "include"
    ONLY = "only"


class Paging(BaseModel):
    limit: int = Field(default=50, ge=1, le=200)
    offset: int = Field(default=0, ge=0, le=1_000_000)
    deleted: Deleted = Field(default=Deleted.EXCLUDE, description="What of the deleted to list")


PageWanted = Annotated[Paging, Query()]


async def page_of(
    session: SessionDep, model: type[R], query: Select[Any], paging: Paging
) -> dict[str, Any]:
    """The fields of a `Page`, newest first: the rows of one page and how many there are in all."""
    gone = col(model.deleted_at)
    if paging.deleted is Deleted.EXCLUDE:
        query = query.where(gone.is_(None))
    elif paging.deleted is Deleted.ONLY:
        query = query.where(gone.is_not(None))
    ordered = query.order_by(col(model.created_at).desc(), col(model.id).desc())
    return {
        "items": (await session.scalars(ordered.limit(paging.limit).offset(paging.offset))).all(),
        "total": await session.scalar(select(func.count()).select_from(query.subquery())),
        "limit": paging.limit,
        "offset": paging.offset,
    }


async def delete_softly(session: SessionDep, row: Row) -> None:
    row.sqlmodel_update({"deleted_at": func.now()})
    await session.commit()


def noun(model: type[Row]) -> str:
    return model.__name__.lower()


async def any_one(session: SessionDep, model: type[R], key: uuid.UUID, *, hold: bool = False) -> R:
    """The row, deleted or not; `hold` keeps others from changing it until the request is over."""
    row = await session.get(model, key, with_for_update=True if hold else None)
    if row is None:
        raise HTTPException(404, f"there is no {noun(model)} {key}")
    return row


async def one(session: SessionDep, model: type[R], key: uuid.UUID, *, hold: bool = False) -> R:
    """The row, which must not be deleted."""
    row = await any_one(session, model, key, hold=hold)
    if row.deleted_at is not None:
        raise gone(row)
    return row


def gone(row: Row) -> HTTPException:
    name = noun(type(row))
    return HTTPException(
        410, f"{name} {row.id} was deleted at {row.deleted_at:%Y-%m-%d %H:%M} UTC; restore it first"
    )


async def one_deleted(session: SessionDep, model: type[R], key: uuid.UUID) -> R:
    """The row, held, which must be deleted: it is going to be restored."""
    row = await any_one(session, model, key, hold=True)
    if row.deleted_at is None:
        raise HTTPException(409, f"{noun(model)} {key} is not deleted")
    return row
