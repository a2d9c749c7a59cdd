"""Entities: the categories, properties and subobjects that a schema is made of."""

import enum
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.row import Change, Key, Row, Stamped, Strict, Text, pg_enum


class EntityType(enum.StrEnum):
    CATEGORY = "category"
    PROPERTY = "property"
    SUBOBJECT = "subobject"


class EntityBase(SQLModel):
    entity_id: Key = Field(max_length=100, description="Its name, one per type")
    entity_type: EntityType = Field(sa_type=pg_enum(EntityType, "entity_type"))
    label: Text = Field(max_length=255)
    description: str | None = None
    schema_definition: dict[str, Any] = Field(
        default_factory=dict,
        sa_type=JSONB,
        sa_column_kwargs={"server_default": text("'{}'")},
    )


class Entity(Row, EntityBase, table=True):
    __tablename__ = "entities"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        CheckConstraint("btrim(label) <> ''", name="entities_label_not_blank"),
        CheckConstraint(
            "jsonb_typeof(schema_definition) = 'object'", name="entities_definition_is_object"
        ),
        # A deleted entity leaves its name free for another one.
        Index(
            "entities_one_per_name",
            "entity_type",
            "entity_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("entities_newest_first", text("created_at DESC"), text("id DESC")),
        Index(
            "entities_by_definition",
            "schema_definition",
            postgresql_using="gin",
            postgresql_ops={"schema_definition": "jsonb_path_ops"},
        ),
    )


class EntityCreate(EntityBase, Strict):
    pass


class EntityUpdate(Change):
    # What an entity is stays: modules count on their categories being categories.
    # Not nullable, except for the description: leave a field out to keep it.
    entity_id: Key = Field(default="", max_length=100)
    label: Text = Field(default="", max_length=255)
    description: str | None = None
    schema_definition: dict[str, Any] = Field(default_factory=dict)


class EntityPublic(EntityBase, Stamped):
    pass
