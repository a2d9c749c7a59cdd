"""The tables of db/*.sql as SQLAlchemy sees them; `alembic check` holds the two together."""

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Enum,
    FetchedValue,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class WorkflowRunStatus(enum.Enum):
    running = "running"
    completed = "completed"
    failed = "failed"


class NodeStatus(enum.Enum):
    pending = "pending"
    running = "running"
    completed = "completed"
    failed = "failed"
    skipped = "skipped"


class EventType(enum.Enum):
    node_started = "node_started"
    node_completed = "node_completed"
    node_failed = "node_failed"
    run_started = "run_started"
    run_completed = "run_completed"
    log = "log"
    metric = "metric"


class Base(DeclarativeBase):
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        uuid.UUID: UUID(as_uuid=True),
        dict[str, Any]: JSONB(none_as_null=True),
        WorkflowRunStatus: Enum(WorkflowRunStatus, name="workflow_run_status"),
        NodeStatus: Enum(NodeStatus, name="node_status"),
        EventType: Enum(EventType, name="event_type"),
    }


class Identified:
    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, server_default=text("gen_random_uuid()")
    )


class Stamped:
    """Both times are the database's: a default, and a trigger on UPDATE."""

    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), server_onupdate=FetchedValue()
    )


EMPTY = text("'{}'")


class Workflow(Identified, Stamped, Base):
    __tablename__ = "workflows"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="workflows_name_not_blank"),
        CheckConstraint(
            "jsonb_typeof(definition) = 'object'", name="workflows_definition_is_object"
        ),
        Index("workflows_newest_first", text("created_at DESC"), text("id DESC")),
    )

    name: Mapped[str] = mapped_column(String(255))
    definition: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY)


class WorkflowRun(Identified, Stamped, Base):
    __tablename__ = "workflow_runs"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        CheckConstraint(
            "(status = 'running') = (finished_at IS NULL)",
            name="workflow_runs_finished_has_time",
        ),
        Index("workflow_runs_of_workflow", "workflow_id", text("started_at DESC"), text("id DESC")),
        Index("workflow_runs_newest_first", text("started_at DESC"), text("id DESC")),
        Index("workflow_runs_in_flight", "started_at", postgresql_where=text("status = 'running'")),
    )

    workflow_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    status: Mapped[WorkflowRunStatus] = mapped_column(server_default="running")
    input: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY)
    output: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    finished_at: Mapped[datetime | None]

    nodes: Mapped[list["NodeExecution"]] = relationship(
        order_by="(NodeExecution.created_at, NodeExecution.node_id, NodeExecution.attempt)",
        passive_deletes=True,
    )


class NodeExecution(Identified, Stamped, Base):
    __tablename__ = "node_executions"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        UniqueConstraint("run_id", "node_id", "attempt", name="node_executions_one_per_attempt"),
        UniqueConstraint("run_id", "id", name="node_executions_run_id_id_key"),
        CheckConstraint("attempt > 0", name="node_executions_attempt_positive"),
        CheckConstraint("tokens_used >= 0", name="node_executions_tokens_used_not_negative"),
    )

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflow_runs.id", ondelete="CASCADE"))
    node_id: Mapped[str] = mapped_column(String(255))
    attempt: Mapped[int] = mapped_column(Integer, server_default="1")
    status: Mapped[NodeStatus] = mapped_column(server_default="pending")
    input: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY)
    output: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    tokens_used: Mapped[int] = mapped_column(Integer, server_default="0")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ExecutionEvent(Base):
    """One line of a run's history. The table is partitioned by month on `timestamp`."""

    __tablename__ = "execution_events"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        ForeignKeyConstraint(
            ["run_id", "node_execution_id"],
            ["node_executions.run_id", "node_executions.id"],
            name="execution_events_node_execution_fkey",
            ondelete="CASCADE",
        ),
        Index("execution_events_of_run", "run_id", "timestamp", "id"),
        Index(
            "execution_events_of_node",
            "node_execution_id",
            postgresql_where=text("node_execution_id IS NOT NULL"),
        ),
        {"postgresql_partition_by": 'RANGE ("timestamp")'},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    timestamp: Mapped[datetime] = mapped_column(
        primary_key=True, server_default=text("clock_timestamp()")
    )
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflow_runs.id", ondelete="CASCADE"))
    node_execution_id: Mapped[uuid.UUID | None]
    event_type: Mapped[EventType]
    message: Mapped[str | None] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY)
