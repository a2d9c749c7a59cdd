"""The tables and what goes in and out over HTTP.

Each noun has five models: `Base` (what all share), the table itself, `Create`, `Update`, `Public`.
"""

from sqlmodel import SQLModel

from app.models.draft import (
    Draft,
    DraftApplied,
    DraftBase,
    DraftChanges,
    DraftCreate,
    DraftCreated,
    DraftPublic,
    DraftStatus,
    DraftSummary,
    DraftUpdate,
)
from app.models.entity import (
    Entity,
    EntityBase,
    EntityCreate,
    EntityPublic,
    EntityType,
    EntityUpdate,
)
from app.models.module import (
    Module,
    ModuleBase,
    ModuleCreate,
    ModulePublic,
    ModuleUpdate,
    Profile,
    ProfileBase,
    ProfileContents,
    ProfileCreate,
    ProfilePublic,
    ProfileUpdate,
)

__all__ = [
    "Draft",
    "DraftApplied",
    "DraftBase",
    "DraftChanges",
    "DraftCreate",
    "DraftCreated",
    "DraftPublic",
    "DraftStatus",
    "DraftSummary",
    "DraftUpdate",
    "Entity",
    "EntityBase",
    "EntityCreate",
    "EntityPublic",
    "EntityType",
    "EntityUpdate",
    "Module",
    "ModuleBase",
    "ModuleCreate",
    "ModulePublic",
    "ModuleUpdate",
    "Profile",
    "ProfileBase",
    "ProfileContents",
    "ProfileCreate",
    "ProfilePublic",
    "ProfileUpdate",
    "SQLModel",
]
