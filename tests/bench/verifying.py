"""`verify` of the agent platform against its own cold `up`, and `verify --live` against the two seconds that are promised."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.bench.process import Sample, timed
from tests.bench.stage import Stage, expect_healthy, free_port, sweep

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "agent-platform"
SERVICES = 4


class VerifyAgainstUp:
    """A whole verify on a twin, nothing else running, and a cold `up` of the same stack; the images are there."""

    runs = 1

    def __init__(self, stage: Stage) -> None:
        self.folder, self.project = platform(stage, "platform")
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
        self.folder, self.project = platform(stage, "platform-live")
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


def platform(stage: Stage, name: str) -> tuple[Path, str]:
    """A copy of the example with a name and ports of its own."""
    project = stage.project()
    folder = stage.folder(name) / "agent-platform"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", ".env", ".venv", "__pycache__", ".pytest_cache"))
    ports = "".join(f"{variable}={free_port()}\n" for variable in ("DB_PORT", "BACKEND_PORT", "FRONTEND_PORT"))
    (folder / ".env").write_text(f"COMPOSE_PROJECT_NAME={project}\n{ports}")
    (folder / ".env").chmod(0o600)
    return folder, project
