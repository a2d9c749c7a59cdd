"""What goes over HTTP. contracts/openapi.yaml is the agreement; this follows it."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from server.db_models import Status
from server.node_types import NewNode
from server.values import Json, storable_text

__all__ = ["NewNode", "Status"]

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(storable_text),
]
Item = TypeVar("Item")


class Strict(BaseModel):
    # A misspelt field is an error, not a silently ignored wish.
    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class WorkflowNew(Strict):
    name: Name


class NodeOut(Shown):
    id: uuid.UUID
    workflow_id: uuid.UUID
    order_index: int
    #: Text, not the enum: the database may have one that only a newer version knows.
    node_type: str
    config: dict[str, Any]
    created_at: datetime


class WorkflowOut(Shown):
    id: uuid.UUID
    name: str
    created_at: datetime


class WorkflowWithNodes(WorkflowOut):
    nodes: list[NodeOut]


class RunNew(Strict):
    input: Json = None


class RunAnswer(BaseModel):
    run_id: uuid.UUID
    status: Status
    final_output: Any = None
    error: str | None = None

    @field_validator("status")
    @classmethod
    def _is_over(cls, status: Status) -> Status:
        if status is Status.RUNNING:
            raise ValueError("the answer to a run is its end")
        return status


class RunOut(Shown):
    id: uuid.UUID
    workflow_id: uuid.UUID
    status: Status
    input: Any
    final_output: Any
    error: str | None
    request_id: str | None
    started_at: datetime
    finished_at: datetime | None


class StepOut(Shown):
    id: uuid.UUID
    node_id: uuid.UUID | None
    order_index: int
    node_type: str
    config: dict[str, Any]
    status: Status
    input: Any
    output: Any
    error: str | None
    started_at: datetime
    finished_at: datetime | None


class RunWithSteps(RunOut):
    steps: list[StepOut]


class Paging(BaseModel):
    limit: int = Field(default=50, ge=1, le=200)
    offset: int = Field(default=0, ge=0, le=1_000_000)
    status: Status | None = Field(default=None, description="Only runs that are this")


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    total: int
    limit: int
    offset: int


class Problem(BaseModel):
    """`errors` only where fields are to blame."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, str]] | None = None


class Health(BaseModel):
    status: str
    database: str
    reason: str | None = None
