"""Drafts: changes to entities that are prepared together and take effect together."""

import enum
from datetime import datetime
from typing import Any, Self

from pydantic import model_validator
from sqlalchemy import CheckConstraint, DateTime, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.entity import EntityCreate, EntityPublic
from app.models.row import Change, Row, Stamped, Strict, Text, pg_enum


class DraftStatus(enum.StrEnum):
    EDITING = "editing"
    SUBMITTED = "submitted"
    APPLIED = "applied"
    REJECTED = "rejected"


class DraftChanges(Strict):
    """Entities as they shall be; one that has the same type and name is changed, others are new."""

    entities: list[EntityCreate] = Field(default_factory=list, max_length=500)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [(one.entity_type, one.entity_id) for one in self.entities]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name[0]} {name[1]} stands in it twice")
        return self


class DraftBase(SQLModel):
    title: Text = Field(max_length=255)


class Draft(Row, DraftBase, table=True):
    __tablename__ = "drafts"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        CheckConstraint("btrim(title) <> ''", name="drafts_title_not_blank"),
        CheckConstraint("jsonb_typeof(changes) = 'object'", name="drafts_changes_are_an_object"),
        # The form of a hash: a token put here by mistake is refused.
        CheckConstraint("capability_hash ~ '^[0-9a-f]{64}$'", name="drafts_hash_is_sha256"),
        Index("drafts_by_status", "status", text("created_at DESC"), text("id DESC")),
        Index("drafts_newest_first", text("created_at DESC"), text("id DESC")),
    )

    changes: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'")}
    )
    status: DraftStatus = Field(
        default=DraftStatus.EDITING,
        sa_type=pg_enum(DraftStatus, "draft_status"),
        sa_column_kwargs={"server_default": text("'editing'")},
    )
    capability_hash: str = Field(max_length=64)
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))


class DraftCreate(DraftBase, Strict):
    changes: DraftChanges = Field(default_factory=DraftChanges)


class DraftUpdate(Change):
    title: Text = Field(default="", max_length=255)
    changes: DraftChanges = Field(default_factory=DraftChanges)
    status: DraftStatus = DraftStatus.EDITING


class DraftSummary(DraftBase, Stamped):
    """What everybody may see."""

    status: DraftStatus
    expires_at: datetime


class DraftPublic(DraftSummary):
    """What the holder of its token may see: the changes too, the hash never."""

    changes: DraftChanges


class DraftCreated(DraftPublic):
    capability_token: str = Field(description="Shown this once, and kept nowhere")


class DraftApplied(SQLModel):
    draft: DraftPublic
    created: list[EntityPublic]
    updated: list[EntityPublic]
