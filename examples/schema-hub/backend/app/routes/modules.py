"""Modules: categories that belong together, and the modules they build on."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlmodel import col, or_, select

from app.database import SessionDep
from app.lookups import PageWanted, delete_softly, one, one_deleted, page_of
from app.models import Module, ModuleCreate, ModulePublic, ModuleUpdate
from app.models.row import Page
from app.references import (
    categories_exist,
    modules_exist,
    no_circle,
    refuse_if_used,
    restoring,
    take_turns,
)

router = APIRouter(prefix="/modules", tags=["modules"])


async def check_references(session: SessionDep, module: Module) -> None:
    await no_circle(session, module.id, module.dependencies)
    await modules_exist(session, module.dependencies, "dependencies")
    await categories_exist(session, module.category_ids)


@router.post("", status_code=201, response_model=ModulePublic)
async def create_module(body: ModuleCreate, session: SessionDep) -> Module:
    module = Module.model_validate(body)
    await take_turns(session)
    await check_references(session, module)
    session.add(module)
    await session.commit()
    return module


@router.get("", response_model=Page[ModulePublic])
async def list_modules(
    session: SessionDep,
    paging: PageWanted,
    q: Annotated[str | None, Query(description="Only names or labels that contain this")] = None,
    category_id: Annotated[uuid.UUID | None, Query(description="Only those with it")] = None,
    depends_on: Annotated[uuid.UUID | None, Query(description="Only those built on it")] = None,
) -> dict[str, Any]:
    """Newest first."""
    query = select(Module)
    if q:
        named = col(Module.module_id).icontains(q, autoescape=True)
        query = query.where(or_(named, col(Module.label).icontains(q, autoescape=True)))
    if category_id:
        query = query.where(col(Module.category_ids).contains([category_id]))
    if depends_on:
        query = query.where(col(Module.dependencies).contains([depends_on]))
    return await page_of(session, Module, query, paging)


@router.get("/{module_id}", response_model=ModulePublic)
async def read_module(module_id: uuid.UUID, session: SessionDep) -> Module:
    return await one(session, Module, module_id)


@router.patch("/{module_id}", response_model=ModulePublic)
async def update_module(module_id: uuid.UUID, body: ModuleUpdate, session: SessionDep) -> Module:
    values = body.values()
    referring = values.keys() & {"category_ids", "dependencies"}
    if referring:
        await take_turns(session)
    module = await one(session, Module, module_id, hold=True)
    module.sqlmodel_update(values)
    if referring:
        await check_references(session, module)
    await session.commit()
    return module


@router.delete("/{module_id}", status_code=204)
async def delete_module(module_id: uuid.UUID, session: SessionDep) -> None:
    """A soft delete; refused while a module or a profile uses it."""
    module = await one(session, Module, module_id, hold=True)
    await refuse_if_used(session, module)
    await delete_softly(session, module)


@router.post("/{module_id}/restore", response_model=ModulePublic)
async def restore_module(module_id: uuid.UUID, session: SessionDep) -> Module:
    """Refused while something that it names is deleted, or its name is taken."""
    await take_turns(session)
    module = await one_deleted(session, Module, module_id)
    with restoring():
        await check_references(session, module)
    module.deleted_at = None
    await session.commit()
    return module
