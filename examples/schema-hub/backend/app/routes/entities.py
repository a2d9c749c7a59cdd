"""Entities: categories, properties and subobjects."""

import json
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlmodel import col, or_, select

from app.database import SessionDep
from app.lookups import PageWanted, delete_softly, one, one_deleted, page_of
from app.models import Entity, EntityCreate, EntityPublic, EntityType, EntityUpdate
from app.models.row import Page
from app.problems import WrongField
from app.references import refuse_if_used

router = APIRouter(prefix="/entities", tags=["entities"])


@router.post("", status_code=201, response_model=EntityPublic)
async def create_entity(body: EntityCreate, session: SessionDep) -> Entity:
    entity = Entity.model_validate(body)
    session.add(entity)
    await session.commit()
    return entity


@router.get("", response_model=Page[EntityPublic])
async def list_entities(
    session: SessionDep,
    paging: PageWanted,
    entity_type: EntityType | None = None,
    q: Annotated[str | None, Query(description="Only names or labels that contain this")] = None,
    contains: Annotated[
        str | None,
        Query(description='Only definitions that contain this JSON object: {"datatype": "Text"}'),
    ] = None,
) -> dict[str, Any]:
    """Newest first."""
    query = select(Entity)
    if entity_type:
        query = query.where(Entity.entity_type == entity_type)
    if q:
        named = col(Entity.entity_id).icontains(q, autoescape=True)
        query = query.where(or_(named, col(Entity.label).icontains(q, autoescape=True)))
    if contains:
        query = query.where(col(Entity.schema_definition).contains(an_object(contains)))
    return await page_of(session, Entity, query, paging)


def an_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise WrongField("query.contains", f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise WrongField("query.contains", "not a JSON object")
    return value


@router.get("/{entity_id}", response_model=EntityPublic)
async def read_entity(entity_id: uuid.UUID, session: SessionDep) -> Entity:
    return await one(session, Entity, entity_id)


@router.patch("/{entity_id}", response_model=EntityPublic)
async def update_entity(entity_id: uuid.UUID, body: EntityUpdate, session: SessionDep) -> Entity:
    entity = await one(session, Entity, entity_id, hold=True)
    entity.sqlmodel_update(body.values())
    await session.commit()
    return entity


@router.delete("/{entity_id}", status_code=204)
async def delete_entity(entity_id: uuid.UUID, session: SessionDep) -> None:
    """A soft delete; refused while a module uses it."""
    entity = await one(session, Entity, entity_id, hold=True)
    await refuse_if_used(session, entity)
    await delete_softly(session, entity)


@router.post("/{entity_id}/restore", response_model=EntityPublic)
async def restore_entity(entity_id: uuid.UUID, session: SessionDep) -> Entity:
    """Refused while another entity of its type has taken its name."""
    entity = await one_deleted(session, Entity, entity_id)
    entity.deleted_at = None
    await session.commit()
    return entity
