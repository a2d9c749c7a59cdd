"""A short round of kill -9 amid what moves whole databases; `python -m tests.database.data_kills` runs longer ones."""

from __future__ import annotations

from pathlib import Path

from devstack.engine.base import Engine
from tests.database.data_kills import ACTIONS, kills, table


def test_nothing_acknowledged_is_lost_and_nothing_half_made_stays(engine: Engine, tmp_path: Path) -> None:
    tallies = kills(engine, tmp_path, len(ACTIONS) * 2, actions=tuple(ACTIONS), victims=("client", "database"), seed=7)
    assert all(tally.clean for tally in tallies.values()), table(tallies)
