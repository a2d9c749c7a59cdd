"""Profiles: modules to install together."""

import uuid
from graphlib import TopologicalSorter
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import text
from sqlmodel import col, or_, select

from app.database import SessionDep
from app.lookups import PageWanted, delete_softly, one, one_deleted, page_of
from app.models import (
    Entity,
    Module,
    Profile,
    ProfileContents,
    ProfileCreate,
    ProfilePublic,
    ProfileUpdate,
)
from app.models.row import Page
from app.references import modules_exist, restoring

router = APIRouter(prefix="/profiles", tags=["profiles"])

WITH_DEPENDENCIES = text("""
    WITH RECURSIVE needed (id) AS (
        SELECT unnest(CAST(:first AS uuid[]))
        UNION
        SELECT CAST(jsonb_array_elements_text(modules.dependencies) AS uuid)
        FROM modules JOIN needed ON modules.id = needed.id
    )
    SELECT id FROM needed
""")


@router.post("", status_code=201, response_model=ProfilePublic)
async def create_profile(body: ProfileCreate, session: SessionDep) -> Profile:
    await modules_exist(session, body.module_ids, "module_ids")
    profile = Profile.model_validate(body)
    session.add(profile)
    await session.commit()
    return profile


@router.get("", response_model=Page[ProfilePublic])
async def list_profiles(
    session: SessionDep,
    paging: PageWanted,
    q: Annotated[str | None, Query(description="Only names or labels that contain this")] = None,
    module_id: Annotated[uuid.UUID | None, Query(description="Only those with it")] = None,
) -> dict[str, Any]:
    """Newest first."""
    query = select(Profile)
    if q:
        named = col(Profile.profile_id).icontains(q, autoescape=True)
        query = query.where(or_(named, col(Profile.label).icontains(q, autoescape=True)))
    if module_id:
        query = query.where(col(Profile.module_ids).contains([module_id]))
    return await page_of(session, Profile, query, paging)


@router.get("/{profile_id}", response_model=ProfilePublic)
async def read_profile(profile_id: uuid.UUID, session: SessionDep) -> Profile:
    return await one(session, Profile, profile_id)


@router.get("/{profile_id}/contents")
async def read_contents(profile_id: uuid.UUID, session: SessionDep) -> ProfileContents:
    """Its modules and all they build on, in the order to install them, with their categories."""
    profile = await one(session, Profile, profile_id)
    needed = (await session.scalars(WITH_DEPENDENCIES, {"first": profile.module_ids})).all()
    found = await session.exec(select(Module).where(col(Module.id).in_(needed)))
    modules = {module.id: module for module in found}
    order = TopologicalSorter({m.id: m.dependencies for m in modules.values()}).static_order()
    modules_in_order = [modules[one_id] for one_id in order]
    wanted = {one_id for module in modules_in_order for one_id in module.category_ids}
    by_name = select(Entity).where(col(Entity.id).in_(wanted)).order_by(col(Entity.entity_id))
    categories = (await session.exec(by_name)).all()
    return ProfileContents.model_validate(
        {
            "id": profile.id,
            "profile_id": profile.profile_id,
            "modules": modules_in_order,
            "categories": categories,
        },
        from_attributes=True,
    )


@router.patch("/{profile_id}", response_model=ProfilePublic)
async def update_profile(
    profile_id: uuid.UUID, body: ProfileUpdate, session: SessionDep
) -> Profile:
    profile = await one(session, Profile, profile_id, hold=True)
    profile.sqlmodel_update(body.values())
    await modules_exist(session, profile.module_ids, "module_ids")
    await session.commit()
    return profile


@router.delete("/{profile_id}", status_code=204)
async def delete_profile(profile_id: uuid.UUID, session: SessionDep) -> None:
    """A soft delete."""
    profile = await one(session, Profile, profile_id, hold=True)
    await delete_softly(session, profile)


@router.post("/{profile_id}/restore", response_model=ProfilePublic)
async def restore_profile(profile_id: uuid.UUID, session: SessionDep) -> Profile:
    """Refused while one of its modules is deleted, or its name is taken."""
    profile = await one_deleted(session, Profile, profile_id)
    with restoring():
        await modules_exist(session, profile.module_ids, "module_ids")
    profile.deleted_at = None
    await session.commit()
    return profile
