"""Which status may follow which."""

from fastapi import HTTPException

from app.models import NodeStatus, WorkflowRunStatus

AFTER_RUN = {
    WorkflowRunStatus.running: {WorkflowRunStatus.completed, WorkflowRunStatus.failed},
    WorkflowRunStatus.completed: set(),
    WorkflowRunStatus.failed: set(),
}

AFTER_NODE = {
    NodeStatus.pending: {NodeStatus.running, NodeStatus.skipped},
    NodeStatus.running: {NodeStatus.completed, NodeStatus.failed},
    NodeStatus.completed: set(),
    NodeStatus.failed: set(),
    NodeStatus.skipped: set(),
}

UNFINISHED_NODES = tuple(status for status, after in AFTER_NODE.items() if after)


def check_run(now: WorkflowRunStatus, then: WorkflowRunStatus) -> None:
    """409 unless a run in `now` may go to `then`."""
    if then is not now and then not in AFTER_RUN[now]:
        raise HTTPException(409, f"a {now.value} run cannot become {then.value}")


def check_node(now: NodeStatus, then: NodeStatus) -> None:
    """409 unless a node execution in `now` may go to `then`."""
    if then is not now and then not in AFTER_NODE[now]:
        raise HTTPException(409, f"a {now.value} node cannot become {then.value}")
