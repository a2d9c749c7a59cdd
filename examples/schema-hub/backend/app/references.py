"""References that live in JSONB arrays, where no foreign key can hold them.

Whoever writes a reference locks the rows it names (FOR SHARE) and whoever deletes a row locks it
(FOR UPDATE) before asking who uses it. So the two take turns, and no reference ends in nothing.
"""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import HTTPException
from sqlalchemy import ColumnElement, text
from sqlmodel import col, select

from app.database import SessionDep
from app.lookups import noun
from app.models import Entity, EntityType, Module, Profile
from app.models.row import Row
from app.problems import WrongField

#: Changes of who depends on whom take turns: two of them at once could close a circle that
#: neither sees.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('module dependencies'))")
REACHES = text("""
    WITH RECURSIVE needed (id) AS (
        SELECT unnest(CAST(:first AS uuid[]))
        UNION
        SELECT CAST(jsonb_array_elements_text(modules.dependencies) AS uuid)
        FROM modules JOIN needed ON modules.id = needed.id
    )
    SELECT EXISTS (SELECT FROM needed WHERE id = :module)
""")


@contextmanager
def restoring() -> Iterator[None]:
    """What a restored row names has to be there: if not, that is a conflict, no wrong input."""
    try:
        yield
    except WrongField as error:
        raise HTTPException(409, error.message) from None


async def categories_exist(session: SessionDep, ids: list[uuid.UUID]) -> None:
    is_category = col(Entity.entity_type) == EntityType.CATEGORY
    await _exist(session, Entity, ids, "category_ids", "category", is_category)


async def modules_exist(session: SessionDep, ids: list[uuid.UUID], field: str) -> None:
    await _exist(session, Module, ids, field, "module")


async def _exist(
    session: SessionDep,
    model: type[Row],
    ids: list[uuid.UUID],
    field: str,
    called: str,
    *conditions: ColumnElement[bool],
) -> None:
    if not ids:
        return
    # In one order for everybody, or two requests could wait for each other.
    query = (
        select(model.id)
        .where(col(model.id).in_(ids), col(model.deleted_at).is_(None), *conditions)
        .order_by(col(model.id))
        .with_for_update(read=True)
    )
    found = set((await session.exec(query)).all())
    missing = [str(one) for one in ids if one not in found]
    if missing:
        raise WrongField(f"body.{field}", f"there is no {called} {', '.join(missing)}")


async def take_turns(session: SessionDep) -> None:
    """To be called before any row is held: who waits here must not be waited for."""
    await session.execute(ONE_AT_A_TIME)


async def no_circle(
    session: SessionDep, module_id: uuid.UUID, dependencies: list[uuid.UUID]
) -> None:
    """Refuses dependencies that lead back to the module itself."""
    if not dependencies:
        return
    leads_back = await session.scalar(REACHES, {"first": dependencies, "module": module_id})
    if leads_back:
        raise WrongField("body.dependencies", "the module would depend on itself")


async def refuse_if_used(session: SessionDep, row: Entity | Module) -> None:
    """409 while a module or a profile that is not deleted names the row."""
    users: list[str] = []
    if isinstance(row, Entity):
        users += await _users(session, Module, col(Module.category_ids).contains([row.id]))
    else:
        users += await _users(session, Module, col(Module.dependencies).contains([row.id]))
        users += await _users(session, Profile, col(Profile.module_ids).contains([row.id]))
    if users:
        raise HTTPException(
            409, f"{noun(type(row))} {row.id} is used by {', '.join(users)}; change that first"
        )


async def _users(
    session: SessionDep, model: type[Module] | type[Profile], uses: ColumnElement[bool]
) -> Iterable[str]:
    name: Any = Module.module_id if model is Module else Profile.profile_id
    query = select(name).where(uses, col(model.deleted_at).is_(None)).order_by(name).limit(5)
    return [f"{noun(model)} {one}" for one in (await session.exec(query)).all()]
