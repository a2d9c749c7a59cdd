"""The shape of the models, and that every table is used over HTTP."""

import inspect

import httpx
import pytest
from sqlmodel import SQLModel

from app import models
from app.database import SessionDep
from app.routes import drafts, entities, modules, profiles

NOUNS = ["Entity", "Module", "Profile", "Draft"]
ROUTES = [entities, modules, profiles, drafts]


def model(name: str) -> type[SQLModel]:
    found = getattr(models, name)
    assert issubclass(found, SQLModel)
    return found


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_has_five_models_on_one_base(noun: str) -> None:
    base, table, create, update, public = (
        model(noun + part) for part in ("Base", "", "Create", "Update", "Public")
    )
    assert issubclass(table, base)
    assert issubclass(create, base)
    assert issubclass(public, base)
    tables = [one for one in (base, table, create, update, public) if hasattr(one, "__table__")]
    assert tables == [table]
    # What a change may touch is in the table; what only the service decides is in no input.
    assert set(update.model_fields) <= set(table.model_fields)
    decided = {"id", "created_at", "updated_at", "deleted_at", "capability_hash", "expires_at"}
    assert not decided & (set(create.model_fields) | set(update.model_fields))
    assert "capability_hash" not in public.model_fields


@pytest.mark.parametrize("noun", NOUNS)
def test_creating_asks_for_what_the_base_asks_for(noun: str) -> None:
    base, create, update = (model(noun + part) for part in ("Base", "Create", "Update"))
    needed = {name for name, field in base.model_fields.items() if field.is_required()}
    assert needed == {name for name, field in create.model_fields.items() if field.is_required()}
    assert not [name for name, field in update.model_fields.items() if field.is_required()]


def test_there_is_no_table_that_no_route_uses(api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    for table in SQLModel.metadata.tables:
        assert {"get", "post"} <= set(paths[f"/{table}"])


@pytest.mark.parametrize("routes", ROUTES, ids=lambda one: one.__name__)
def test_every_route_gets_its_session_by_injection(routes: object) -> None:
    endpoints = [route.endpoint for route in routes.router.routes]  # type: ignore[attr-defined]
    assert len(endpoints) >= 6
    for endpoint in endpoints:
        given = [one.annotation for one in inspect.signature(endpoint).parameters.values()]
        by_dependency = {drafts.LiveDraft, drafts.AnyDraft}
        assert SessionDep in given or by_dependency & set(given), endpoint.__name__
