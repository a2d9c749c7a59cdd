"""The grammar of schedules here and the scheduler that runs in the container agree."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.spec.cron import schedule_problem
from devstack.spec.kinds import templates_root


def scheduler() -> Any:
    path = templates_root() / "services" / "cron" / "configs" / "scheduler.py"
    spec = importlib.util.spec_from_file_location("scheduler", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCHEDULER = scheduler()
PIECE = st.one_of(
    st.just("*"),
    st.integers(0, 70).map(str),
    st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: f"{pair[0]}-{pair[1]}"),
    st.tuples(st.sampled_from(["*", "5", "1-9"]), st.integers(0, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    st.sampled_from(["mon", "jan", "mon-fri", "x", "", "1,2", "-", "²"]),
)


@given(st.lists(PIECE, min_size=4, max_size=6).map(" ".join))
def test_what_passes_here_is_what_the_scheduler_takes(text: str) -> None:
    try:
        SCHEDULER.parse(text)
        taken = True
    except ValueError:
        taken = False
    assert (schedule_problem(text) == "") == taken, text


@pytest.mark.parametrize(
    ("schedule", "when", "due"),
    [
        ("* * * * *", "2026-11-20 10:21", True),
        ("0 3 * * *", "2026-11-20 03:00", True),
        ("0 3 * * *", "2026-11-20 03:01", False),
        ("*/15 * * * *", "2026-11-20 10:45", True),
        ("*/15 * * * *", "2026-11-20 10:46", False),
        ("0 9-17 * * mon-fri", "2026-11-20 17:00", True),
        ("0 9-17 * * mon-fri", "2026-11-21 17:00", False),
        ("0 0 * * 7", "2026-11-22 00:00", True),
        ("0 0 * * 0", "2026-11-22 00:00", True),
        ("0 0 1 * 0", "2026-11-22 00:00", True),
        ("0 0 1 * 0", "2026-12-01 00:00", True),
        ("0 0 1 * 0", "2026-12-02 00:00", False),
        ("0 0 29 feb *", "2028-02-29 00:00", True),
        ("5,10 0 * * *", "2026-11-20 00:10", True),
    ],
)
def test_the_scheduler_knows_when_it_is_time(schedule: str, when: str, due: bool) -> None:
    sets, either = SCHEDULER.parse(schedule)
    assert SCHEDULER.due(datetime.fromisoformat(when).replace(tzinfo=UTC), sets, either) is due
