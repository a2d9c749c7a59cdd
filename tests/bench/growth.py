"""How a command's time grows with the number of services: what each further one costs, in the upper half of a range and in the lower."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.bench.process import BenchError, Sample, timed
from tests.bench.stage import Stage, containers, expect_running, sweep

Ground = Callable[[Path, int], None]
"""Writes the Compose file of a number of services into a folder."""


class Growth:
    """One command on stacks of three sizes. A sample is a difference: seconds for each service that the larger stack has more.

    "Ours" is the upper half of the range, "theirs" the lower: their ratio is 1 where growth is linear, above it where it is worse.
    The halves are equally wide, so that both differences suffer alike from a busy machine.
    """

    def __init__(self, stage: Stage, name: str, argv: list[str], write: Ground, sizes: tuple[int, int, int], runs: int) -> None:
        self.runs, self.argv, self.sizes = runs, argv, sizes
        self.folders = {size: stage.folder(f"{name}-{size}") for size in sizes}
        self.projects = {size: stage.project() for size in sizes}
        for size, folder in self.folders.items():
            write(folder, size)

    def run(self, side: str) -> Sample:
        small, middle, large = self.sizes
        low, high = (middle, large) if side == "devstack" else (small, middle)
        before, after = self._one(low), self._one(high)
        count = high - low
        return Sample(
            (after.seconds - before.seconds) / count, (after.cpu - before.cpu) / count, max(before.megabytes, after.megabytes)
        )

    def _one(self, size: int) -> Sample:
        self.before(size)
        sample = timed(self._command(size), self.folders[size])
        self.after(size)
        return sample

    def _command(self, size: int) -> list[str]:
        return [*self.argv, "-p", self.projects[size]]

    def before(self, size: int) -> None:
        """Make the ground of a run."""

    def after(self, size: int) -> None:
        """Raises `BenchError` unless the work was done."""

    def ours(self) -> tuple[list[str], Path]:
        return self._command(self.sizes[-1]), self.folders[self.sizes[-1]]

    def before_ours(self) -> None:
        self.before(self.sizes[-1])

    def after_ours(self) -> None:
        self.after(self.sizes[-1])


class GrowthOfUp(Growth):
    """From nothing to running."""

    def before(self, size: int) -> None:
        sweep(self.projects[size])

    def after(self, size: int) -> None:
        expect_running(self.projects[size], size)
        sweep(self.projects[size])


class GrowthOfNoop(Growth):
    """On stacks that run already, and that are left as they are."""

    there: dict[int, frozenset[str]]

    def before(self, size: int) -> None:
        if not hasattr(self, "there"):
            self.there = {}
            for each, folder in self.folders.items():
                timed(self._command(each), folder)
                self.there[each] = frozenset(containers(self.projects[each]))

    def after(self, size: int) -> None:
        expect_running(self.projects[size], size)
        if frozenset(containers(self.projects[size])) != self.there[size]:
            raise BenchError(f"{self.projects[size]}: containers were made anew where there was nothing to do")
