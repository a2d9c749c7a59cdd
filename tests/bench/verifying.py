"""`verify` of the agent platform against its own cold `up`, and `verify --live` against the two seconds that are promised."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.process import Sample, timed
from tests.bench.stage import Stage, expect_healthy, sweep
from tests.bench.systems import SYSTEMS, copy_of

PLATFORM = SYSTEMS["agent-platform"]
SERVICES = PLATFORM.services


class VerifyAgainstUp:
    """A whole verify on a twin, nothing else running, and a cold `up` of the same stack; the images are there."""

    runs = 1

    def __init__(self, stage: Stage) -> None:
        self.folder, self.project = copy_of(stage, PLATFORM)
        program = [sys.executable, "-m", "devstack"]
        self.commands = {"devstack": [*program, "verify"], "rival": [*program, "up"]}
        self.before_ours()
        timed(self.commands["rival"], self.folder)  # builds the images
        sweep(self.project)

    def run(self, side: str) -> Sample:
        self.before_ours()
        sample = timed(self.commands[side], self.folder)
        if side != "devstack":
            expect_healthy(self.project, SERVICES)
        self.after_ours()
        return sample

    def ours(self) -> tuple[list[str], Path]:
        return self.commands["devstack"], self.folder

    def before_ours(self) -> None:
        sweep(self.project)

    def after_ours(self) -> None:
        sweep(self.project)


class LiveAgainstPromise:
    """`verify --live` of the platform while it runs; the other side is a clock that runs for two seconds."""

    runs = 3

    def __init__(self, stage: Stage) -> None:
        self.folder, self.project = copy_of(stage, PLATFORM)
        program = [sys.executable, "-m", "devstack"]
        timed([*program, "up"], self.folder)
        self.commands = {"devstack": [*program, "verify", "--live"], "rival": ["sleep", "2"]}

    def run(self, side: str) -> Sample:
        return timed(self.commands[side], self.folder)

    def ours(self) -> tuple[list[str], Path]:
        return self.commands["devstack"], self.folder

    def before_ours(self) -> None:
        expect_healthy(self.project, SERVICES)

    def after_ours(self) -> None:
        expect_healthy(self.project, SERVICES)
