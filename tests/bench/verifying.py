"""`verify` of the agent platform against its own cold `up`, and `verify --live` against the two seconds that are promised."""

from __future__ import annotations

from pathlib import Path

from tests.bench.process import Sample, timed
from tests.bench.stage import Stage, expect_healthy, sweep
from tests.bench.systems import DEVSTACK, SYSTEMS, SystemUp, copy_of

PLATFORM = SYSTEMS["agent-platform"]
SERVICES = PLATFORM.services


class VerifyAgainstUp(SystemUp):
    """A whole verify on a twin, nothing else running, and a cold `up` of the same stack; the images are there."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, PLATFORM.name)
        self.commands = {"devstack": [*DEVSTACK, "verify"], "rival": [*DEVSTACK, "up"]}

    def run(self, side: str) -> Sample:
        self.before_ours()
        sample = timed(self.commands[side], self.folder)
        if side != "devstack":
            expect_healthy(self.project, SERVICES)
        self.after_ours()
        return sample

    def after_ours(self) -> None:
        sweep(self.project)


class LiveAgainstPromise:
    """`verify --live` of the platform while it runs; the other side is a clock that runs for two seconds."""

    runs = 3

    def __init__(self, stage: Stage) -> None:
        self.folder, self.project = copy_of(stage, PLATFORM)
        timed([*DEVSTACK, "up"], self.folder)
        self.commands = {"devstack": [*DEVSTACK, "verify", "--live"], "rival": ["sleep", "2"]}

    def run(self, side: str) -> Sample:
        return timed(self.commands[side], self.folder)

    def ours(self) -> tuple[list[str], Path]:
        return self.commands["devstack"], self.folder

    def before_ours(self) -> None:
        expect_healthy(self.project, SERVICES)

    def after_ours(self) -> None:
        expect_healthy(self.project, SERVICES)
