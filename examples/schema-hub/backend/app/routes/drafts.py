"""Drafts. Everybody may open one and see which there are; the rest wants the draft's token."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel import col, select

from app.capability import hash_of, new_token, opens
from app.database import SessionDep
from app.lookups import PageWanted, any_one, delete_softly, gone, page_of
from app.models import (
    Draft,
    DraftApplied,
    DraftChanges,
    DraftCreate,
    DraftCreated,
    DraftPublic,
    DraftStatus,
    DraftSummary,
    DraftUpdate,
    Entity,
)
from app.models.row import Page

router = APIRouter(prefix="/drafts", tags=["drafts"])

# In a header, where no log and no browser history keeps it.
Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="The draft's capability token")),
]

MAY_FOLLOW = {
    DraftStatus.EDITING: {DraftStatus.SUBMITTED, DraftStatus.REJECTED},
    DraftStatus.SUBMITTED: {DraftStatus.EDITING, DraftStatus.REJECTED},
    DraftStatus.APPLIED: set[DraftStatus](),
    DraftStatus.REJECTED: set[DraftStatus](),
}


async def held_draft(draft_id: uuid.UUID, session: SessionDep, bearer: Bearer) -> Draft:
    """The draft, deleted or not, held until the request is over, for whoever has its token."""
    if bearer is None:
        raise HTTPException(
            401,
            "send the draft's token: Authorization: Bearer ...",
            headers={"WWW-Authenticate": "Bearer"},
        )
    draft = await any_one(session, Draft, draft_id, hold=True)
    if not opens(bearer.credentials, draft.capability_hash):
        raise HTTPException(403, f"this is not the token of draft {draft_id}")
    if draft.expires_at < datetime.now(UTC):
        raise HTTPException(403, f"the token expired at {draft.expires_at:%Y-%m-%d %H:%M} UTC")
    return draft


async def live_draft(draft: Annotated[Draft, Depends(held_draft)]) -> Draft:
    if draft.deleted_at is not None:
        raise gone(draft)
    return draft


def as_stored(changes: DraftChanges) -> dict[str, Any]:
    # Only what was said: what a draft leaves out of an entity stays as it is when it is applied.
    return changes.model_dump(mode="json", exclude_unset=True)


AnyDraft = Annotated[Draft, Depends(held_draft)]
LiveDraft = Annotated[Draft, Depends(live_draft)]


@router.post("", status_code=201)
async def create_draft(body: DraftCreate, request: Request, session: SessionDep) -> DraftCreated:
    """Answers with the token. It cannot be shown again: only its hash is kept."""
    token = new_token()
    lifetime = timedelta(days=request.app.state.settings.draft_lifetime_days)
    draft = Draft(
        title=body.title,
        changes=as_stored(body.changes),
        capability_hash=hash_of(token),
        expires_at=datetime.now(UTC) + lifetime,
    )
    session.add(draft)
    await session.commit()
    return DraftCreated.model_validate(draft, update={"capability_token": token})


@router.get("", response_model=Page[DraftSummary])
async def list_drafts(
    session: SessionDep,
    paging: PageWanted,
    status: DraftStatus | None = None,
    q: Annotated[str | None, Query(description="Only titles that contain this")] = None,
) -> dict[str, Any]:
    """Newest first, without their changes."""
    query = select(Draft)
    if status:
        query = query.where(Draft.status == status)
    if q:
        query = query.where(col(Draft.title).icontains(q, autoescape=True))
    return await page_of(session, Draft, query, paging)


@router.get("/{draft_id}", response_model=DraftPublic)
async def read_draft(draft: LiveDraft) -> Draft:
    return draft


@router.patch("/{draft_id}", response_model=DraftPublic)
async def update_draft(body: DraftUpdate, draft: LiveDraft, session: SessionDep) -> Draft:
    """Title and changes while it is being edited; the status as the next step allows."""
    values = body.values()
    status = values.pop("status", draft.status)
    if values and draft.status is not DraftStatus.EDITING:
        raise HTTPException(409, f"the draft is {draft.status}; only its status can change")
    if status != draft.status and status not in MAY_FOLLOW[draft.status]:
        raise HTTPException(409, f"a draft that is {draft.status} cannot become {status}")
    if "changes" in values:
        values["changes"] = as_stored(body.changes)
    draft.sqlmodel_update(values | {"status": status})
    await session.commit()
    return draft


@router.post("/{draft_id}/apply")
async def apply_draft(draft: LiveDraft, session: SessionDep) -> DraftApplied:
    """All changes of a submitted draft take effect, or none does."""
    if draft.status is not DraftStatus.SUBMITTED:
        raise HTTPException(409, f"the draft is {draft.status}; submit it first")
    created, updated = await put_entities(session, DraftChanges.model_validate(draft.changes))
    draft.status = DraftStatus.APPLIED
    await session.commit()
    return DraftApplied.model_validate(
        {"draft": draft, "created": created, "updated": updated}, from_attributes=True
    )


async def put_entities(
    session: SessionDep, changes: DraftChanges
) -> tuple[list[Entity], list[Entity]]:
    """The entities that were made and those that were changed."""
    created, updated = [], []
    # In one order for everybody, or two drafts could wait for each other.
    for wanted in sorted(changes.entities, key=lambda one: (one.entity_type, one.entity_id)):
        query = select(Entity).where(
            Entity.entity_type == wanted.entity_type,
            Entity.entity_id == wanted.entity_id,
            col(Entity.deleted_at).is_(None),
        )
        entity = (await session.exec(query.with_for_update())).one_or_none()
        if entity is None:
            entity = Entity.model_validate(wanted)
            session.add(entity)
            created.append(entity)
        else:
            entity.sqlmodel_update(wanted.model_dump(exclude_unset=True))
            updated.append(entity)
        await session.flush()
    return created, updated


@router.delete("/{draft_id}", status_code=204)
async def delete_draft(draft: LiveDraft, session: SessionDep) -> None:
    """A soft delete."""
    await delete_softly(session, draft)


@router.post("/{draft_id}/restore", response_model=DraftPublic)
async def restore_draft(draft: AnyDraft, session: SessionDep) -> Draft:
    if draft.deleted_at is None:
        raise HTTPException(409, f"draft {draft.id} is not deleted")
    draft.deleted_at = None
    await session.commit()
    return draft
