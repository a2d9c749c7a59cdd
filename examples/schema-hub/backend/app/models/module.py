"""Modules bundle categories and build on other modules; profiles bundle modules."""

import uuid
from typing import Annotated

from pydantic import StringConstraints
from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from app.models.entity import EntityPublic
from app.models.row import (
    Change,
    Key,
    Row,
    Stamped,
    Strict,
    Text,
    UuidList,
    Uuids,
)

Version = Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
NO_IDS = {"server_default": text("'[]'")}


class ModuleBase(SQLModel):
    module_id: Key = Field(max_length=100, description="Its name")
    label: Text = Field(max_length=255)
    description: str | None = None
    version: Version = Field(
        default="1.0.0",
        max_length=50,
        sa_column_kwargs={"server_default": text("'1.0.0'")},
    )
    category_ids: Uuids = Field(
        default_factory=list,
        sa_type=UuidList,
        sa_column_kwargs=NO_IDS,
        description="Entities of the type category",
    )
    dependencies: Uuids = Field(
        default_factory=list,
        sa_type=UuidList,
        sa_column_kwargs=NO_IDS,
        description="Modules that it builds on",
    )


class Module(Row, ModuleBase, table=True):
    __tablename__ = "modules"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        CheckConstraint("btrim(label) <> ''", name="modules_label_not_blank"),
        CheckConstraint(
            "jsonb_typeof(category_ids) = 'array' AND jsonb_typeof(dependencies) = 'array'",
            name="modules_ids_are_arrays",
        ),
        Index(
            "modules_one_per_name",
            "module_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("modules_newest_first", text("created_at DESC"), text("id DESC")),
        # "Who uses this?" is asked before anything is deleted.
        Index(
            "modules_by_category",
            "category_ids",
            postgresql_using="gin",
            postgresql_ops={"category_ids": "jsonb_path_ops"},
        ),
        Index(
            "modules_by_dependency",
            "dependencies",
            postgresql_using="gin",
            postgresql_ops={"dependencies": "jsonb_path_ops"},
        ),
    )


class ModuleCreate(ModuleBase, Strict):
    pass


class ModuleUpdate(Change):
    module_id: Key = Field(default="", max_length=100)
    label: Text = Field(default="", max_length=255)
    description: str | None = None
    version: Version = Field(default="", max_length=50)
    category_ids: Uuids = Field(default_factory=list)
    dependencies: Uuids = Field(default_factory=list)


class ModulePublic(ModuleBase, Stamped):
    pass


class ProfileBase(SQLModel):
    profile_id: Key = Field(max_length=100, description="Its name")
    label: Text = Field(max_length=255)
    description: str | None = None
    module_ids: Uuids = Field(default_factory=list, sa_type=UuidList, sa_column_kwargs=NO_IDS)


class Profile(Row, ProfileBase, table=True):
    __tablename__ = "profiles"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        CheckConstraint("btrim(label) <> ''", name="profiles_label_not_blank"),
        CheckConstraint("jsonb_typeof(module_ids) = 'array'", name="profiles_ids_are_an_array"),
        Index(
            "profiles_one_per_name",
            "profile_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("profiles_newest_first", text("created_at DESC"), text("id DESC")),
        Index(
            "profiles_by_module",
            "module_ids",
            postgresql_using="gin",
            postgresql_ops={"module_ids": "jsonb_path_ops"},
        ),
    )


class ProfileCreate(ProfileBase, Strict):
    pass


class ProfileUpdate(Change):
    profile_id: Key = Field(default="", max_length=100)
    label: Text = Field(default="", max_length=255)
    description: str | None = None
    module_ids: Uuids = Field(default_factory=list)


class ProfilePublic(ProfileBase, Stamped):
    pass


class ProfileContents(SQLModel):
    """All that a profile installs, what others build on first."""

    id: uuid.UUID
    profile_id: str
    modules: list[ModulePublic]
    categories: list[EntityPublic]
