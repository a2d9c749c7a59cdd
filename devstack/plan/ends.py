"""Why a container ended: the engine's word, else what the times of its stack tell."""

from __future__ import annotations

from devstack.engine.base import STOP_GRACE, Container, Observed

STOPPING = STOP_GRACE + 5.0
"""Seconds within which the containers of a stack end that is stopped as a whole: whoever needs others is stopped before them."""


def was_stopped(container: Container, observed: Observed) -> bool:
    """Whether it was told to stop, and did not end by itself: where the engine does not remember, whether nothing of the stack went on.

    Of a container whose detail was not asked for, nothing is known: False.
    """
    detail = container.detail
    if detail is None or not detail.finished_at:
        return False
    if detail.stopped is not None:
        return detail.stopped
    end = detail.finished_at
    others = [(c.running, c.detail) for c in observed.containers if c.id != container.id and not c.oneoff and c.detail is not None]
    return not any(its.started_at < end and (running or its.finished_at > end + STOPPING) for running, its in others)
