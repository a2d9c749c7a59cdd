"""What goes in and out over HTTP."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.models import EventType, NodeStatus, WorkflowRunStatus

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Tokens = Annotated[int, Field(ge=0, le=2**31 - 1)]
JsonObject = dict[str, Any]
Item = TypeVar("Item")


class Incoming(BaseModel):
    # A misspelt field is an error, not a silently ignored wish.
    model_config = ConfigDict(extra="forbid")


class Change(Incoming):
    """A PATCH body: what is absent stays as it is, so it has to name something."""

    @model_validator(mode="after")
    def _names_something(self) -> "Change":
        if not self.model_fields_set:
            raise ValueError(f"nothing to change; name one of {', '.join(type(self).model_fields)}")
        return self

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


class Outgoing(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    total: int = Field(description="How many there are in all, over all pages")
    limit: int
    offset: int


class Health(BaseModel):
    status: str
    db: bool
    reason: str | None = None


class Problem(BaseModel):
    """RFC 9457, `application/problem+json`; `errors` only where fields are to blame."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, str]] | None = None


class WorkflowNew(Incoming):
    name: Name
    definition: JsonObject = Field(default_factory=dict)


class WorkflowChange(Change):
    # Not nullable: leave a field out to keep it.
    name: Name = ""
    definition: JsonObject = Field(default_factory=dict)


class WorkflowOut(Outgoing):
    id: uuid.UUID
    name: str
    definition: JsonObject
    created_at: datetime
    updated_at: datetime


class RunNew(Incoming):
    workflow_id: uuid.UUID
    input: JsonObject = Field(default_factory=dict)


class RunChange(Change):
    status: WorkflowRunStatus = WorkflowRunStatus.running
    output: JsonObject | None = None
    error: str | None = None


class RunOut(Outgoing):
    id: uuid.UUID
    workflow_id: uuid.UUID
    status: WorkflowRunStatus
    input: JsonObject
    output: JsonObject | None
    error: str | None
    started_at: datetime
    finished_at: datetime | None
    created_at: datetime
    updated_at: datetime


class NodeNew(Incoming):
    node_id: Name
    attempt: Annotated[int, Field(ge=1, le=2**31 - 1)] = 1
    input: JsonObject = Field(default_factory=dict)


class NodeChange(Change):
    status: NodeStatus = NodeStatus.pending
    output: JsonObject | None = None
    error: str | None = None
    tokens_used: Tokens = 0


class NodeOut(Outgoing):
    id: uuid.UUID
    run_id: uuid.UUID
    node_id: str
    attempt: int
    status: NodeStatus
    input: JsonObject
    output: JsonObject | None
    error: str | None
    tokens_used: int
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    updated_at: datetime


class RunWithNodes(RunOut):
    nodes: list[NodeOut]


class EventNew(Incoming):
    run_id: uuid.UUID
    event_type: EventType
    node_execution_id: uuid.UUID | None = None
    message: str | None = None
    payload: JsonObject = Field(default_factory=dict)
    timestamp: AwareDatetime | None = Field(
        default=None, description="When it happened; the database's clock when left out"
    )


class EventChange(Change):
    # What happened and when stays; only what is said about it can be corrected.
    message: str | None = None
    payload: JsonObject = Field(default_factory=dict)


class EventOut(Outgoing):
    id: int
    run_id: uuid.UUID
    node_execution_id: uuid.UUID | None
    event_type: EventType
    message: str | None
    payload: JsonObject
    timestamp: datetime
