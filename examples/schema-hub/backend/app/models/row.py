"""What every table, every change and every page have in common."""

import enum
import uuid
from datetime import datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, StringConstraints, model_validator
from sqlalchemy import DateTime, Dialect, func, text
from sqlalchemy import Enum as EnumType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

Item = TypeVar("Item")

# As types, not as `regex=` of a field: SQLModel 0.0.50 takes that and does nothing with it.
#: A machine name, as wikis and files use them: Person, Has_name, core-1.
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
#: There is something in it besides blanks.
Text = Annotated[str, StringConstraints(pattern=r"\S")]


class Row(SQLModel):
    """A UUID that nobody can guess or count, the database's own times, and a soft delete."""

    id: uuid.UUID = Field(
        default_factory=uuid.uuid4,
        primary_key=True,
        sa_column_kwargs={"server_default": text("gen_random_uuid()")},
    )
    # Optional only until the database has filled them in; `nullable` is the column's truth.
    created_at: datetime | None = Field(
        default=None,
        nullable=False,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("now()")},
    )
    updated_at: datetime | None = Field(
        default=None,
        nullable=False,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("now()"), "onupdate": func.clock_timestamp()},
    )
    deleted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class Stamped(SQLModel):
    """What a `Public` model shows of `Row`."""

    id: uuid.UUID
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class Strict(SQLModel):
    # A misspelt field is an error, not a silently ignored wish.
    model_config = {"extra": "forbid"}


class Change(Strict):
    """A PATCH body: what is absent stays as it is, so it has to name something."""

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"nothing to change; name one of {', '.join(type(self).model_fields)}")
        return self

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


class UuidList(TypeDecorator[list[uuid.UUID]]):
    """A JSONB array of UUIDs; lists of `uuid.UUID` in Python."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: list[uuid.UUID] | None, dialect: Dialect) -> Any:
        return None if value is None else [str(one) for one in value]

    def process_result_value(self, value: Any, dialect: Dialect) -> list[uuid.UUID] | None:
        return None if value is None else [uuid.UUID(one) for one in value]


def once_each(ids: list[uuid.UUID]) -> list[uuid.UUID]:
    if len(set(ids)) != len(ids):
        raise ValueError("the same id stands in it twice")
    return ids


Uuids = Annotated[list[uuid.UUID], AfterValidator(once_each)]


def pg_enum(values: type[enum.Enum], name: str) -> EnumType:
    """An enum type of PostgreSQL with the values, not the names, of the Python enum."""
    return EnumType(values, name=name, values_callable=lambda them: [one.value for one in them])


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    total: int = Field(description="How many there are in all, over all pages")
    limit: int
    offset: int
