"""Plan -> Results: every step is carried out as soon as what it waits for is done; nothing is decided here."""

from devstack.execute.executor import Executor
from devstack.execute.results import Happened, Outcome, Phase, Results

__all__ = ["Executor", "Happened", "Outcome", "Phase", "Results"]
