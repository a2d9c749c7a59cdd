"""The tables. Keys are UUIDs, times are the database's own, what has no fixed form is JSONB."""

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.database import Base

TABLES = ("workflows", "nodes", "runs", "run_nodes")


class Status(enum.StrEnum):
    """Of a run, and of each of its steps."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


STATUSES = ", ".join(f"'{status}'" for status in Status)
#: now() would be the beginning of the transaction.
CLOCK = text("clock_timestamp()")


def uuid_key() -> Mapped[uuid.UUID]:
    return mapped_column(
        UUID(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()")
    )


def time_now() -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), server_default=CLOCK)


def json() -> Mapped[Any]:
    """Any JSON; null is SQL's NULL."""
    return mapped_column(JSONB(none_as_null=True), nullable=True)


def ends_with_its_status(table: str) -> tuple[CheckConstraint, ...]:
    return (
        CheckConstraint(f"status IN ({STATUSES})", name=f"{table}_status_is_known"),
        CheckConstraint(
            "(status = 'running') = (finished_at IS NULL)", name=f"{table}_finished_has_a_time"
        ),
        CheckConstraint(
            "(status = 'failed') = (error IS NOT NULL)", name=f"{table}_failed_says_why"
        ),
    )


class Workflow(Base):
    __tablename__ = "workflows"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (CheckConstraint("btrim(name) <> ''", name="workflows_name_not_blank"),)

    id: Mapped[uuid.UUID] = uuid_key()
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = time_now()

    nodes: Mapped[list["Node"]] = relationship(
        order_by="Node.order_index", passive_deletes=True, back_populates="workflow"
    )


class Node(Base):
    """One thing to do. `node_type` is TEXT: a new kind of node needs no migration."""

    __tablename__ = "nodes"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        # Checked at the end of a statement, so that one UPDATE can move many.
        UniqueConstraint(
            "workflow_id",
            "order_index",
            name="nodes_workflow_id_order_index",
            deferrable=True,
            initially="IMMEDIATE",
        ),
        CheckConstraint("order_index >= 0", name="nodes_order_index_not_negative"),
        CheckConstraint("jsonb_typeof(config) = 'object'", name="nodes_config_is_an_object"),
    )

    id: Mapped[uuid.UUID] = uuid_key()
    workflow_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    order_index: Mapped[int]
    node_type: Mapped[str] = mapped_column(Text)
    config: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    created_at: Mapped[datetime] = time_now()

    workflow: Mapped[Workflow] = relationship(back_populates="nodes")


class Run(Base):
    __tablename__ = "runs"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        *ends_with_its_status("runs"),
        Index("runs_workflow_id_started_at", "workflow_id", text("started_at DESC")),
        Index("runs_in_flight", "started_at", postgresql_where=text("status = 'running'")),
    )

    id: Mapped[uuid.UUID] = uuid_key()
    workflow_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(Text, server_default=Status.RUNNING.value)
    input: Mapped[Any] = json()
    final_output: Mapped[Any] = json()
    error: Mapped[str | None] = mapped_column(Text)
    #: Of the request that started it: the way to its lines in the log.
    request_id: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = time_now()
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    steps: Mapped[list["RunNode"]] = relationship(
        order_by="RunNode.order_index", passive_deletes=True, back_populates="run"
    )


class RunNode(Base):
    """One step of a run. It keeps what the node was then; the workflow may change later."""

    __tablename__ = "run_nodes"
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        *ends_with_its_status("run_nodes"),
        UniqueConstraint("run_id", "order_index", name="run_nodes_run_id_order_index"),
        # For the foreign key: without it, removing a node reads the whole table.
        Index("run_nodes_node_id", "node_id"),
    )

    id: Mapped[uuid.UUID] = uuid_key()
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    node_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("nodes.id", ondelete="SET NULL"))
    order_index: Mapped[int]
    node_type: Mapped[str] = mapped_column(Text)
    config: Mapped[dict[str, Any]] = mapped_column(JSONB)
    status: Mapped[str] = mapped_column(Text, server_default=Status.RUNNING.value)
    input: Mapped[Any] = json()
    output: Mapped[Any] = json()
    error: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = time_now()
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    run: Mapped[Run] = relationship(back_populates="steps")
