"""What is run against what. A contest makes its ground once and then runs either side, checking that the work was really done."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from tests.bench import data, database, native, programs, systems, verifying
from tests.bench.growth import Growth, GrowthOfNoop, GrowthOfUp
from tests.bench.process import BenchError, Sample, ask, timed
from tests.bench.stage import Stage, containers, expect_gone, expect_healthy, expect_running, free_port, sweep

OURS, THEIRS = "devstack", "rival"
COMPOSE = ("docker", "compose")
IMPORT = [sys.executable, "-c", "import typer"]
EIGHT = 8


def devstack() -> str:
    """The `devstack` of the interpreter that runs the benchmark."""
    beside = Path(sys.executable).parent / "devstack"
    found = str(beside) if beside.exists() else shutil.which("devstack")
    if found is None:
        raise BenchError("no devstack beside this interpreter; install it first: pip install -e .")
    return found


class Contest(Protocol):
    """`runs` of each side make one round. `argv` and `folder` of our side are also what `--profile` looks into."""

    runs: int

    def run(self, side: str) -> Sample: ...
    def ours(self) -> tuple[list[str], Path]: ...
    def before_ours(self) -> None: ...
    def after_ours(self) -> None: ...


class Cold:
    """`up` from nothing (images are there, no container, network or volume) until all is healthy."""

    runs = 1

    def __init__(
        self,
        stage: Stage,
        name: str,
        count: int,
        write: Callable[[Path], None],
        probed: bool = True,
    ) -> None:
        self.folder = stage.folder(name)
        write(self.folder)
        self.project, self.count = stage.project(), count
        self.expect = expect_healthy if probed else expect_running
        self.commands = {
            OURS: [devstack(), "up", "-p", self.project],
            THEIRS: [*COMPOSE, "-p", self.project, "up", "-d", "--wait"],
        }

    def run(self, side: str) -> Sample:
        sweep(self.project)
        sample = timed(self.commands[side], self.folder)
        self.after_ours()
        return sample

    def ours(self) -> tuple[list[str], Path]:
        return self.commands[OURS], self.folder

    def before_ours(self) -> None:
        sweep(self.project)

    def after_ours(self) -> None:
        self.expect(self.project, self.count)
        sweep(self.project)


class Standing:
    """A command on the chain that runs already and that it must leave exactly as it is. Both sides look at the same containers."""

    runs = 3

    def __init__(self, stage: Stage, name: str, ours: list[str], theirs: list[str]) -> None:
        self.folder = stage.folder(name)
        programs.chain(self.folder, free_port())
        self.project = stage.project()
        self.commands = {
            OURS: [devstack(), *ours, "-p", self.project],
            THEIRS: [*COMPOSE, "-p", self.project, *theirs],
        }
        self.there: frozenset[str] = frozenset()

    def run(self, side: str) -> Sample:
        self.before_ours()
        sample = timed(self.commands[side], self.folder)
        self.after_ours()
        return sample

    def ours(self) -> tuple[list[str], Path]:
        return self.commands[OURS], self.folder

    def before_ours(self) -> None:
        if not self.there:
            # Compose makes the containers: what it made itself it surely finds up to date.
            timed([*COMPOSE, "-p", self.project, "up", "-d", "--wait"], self.folder)
            self.there = frozenset(containers(self.project))

    def after_ours(self) -> None:
        expect_healthy(self.project, 3)
        if frozenset(containers(self.project)) != self.there:
            raise BenchError(f"{self.project}: containers were made anew where there was nothing to do")


class DownEight:
    """`down` of eight independent services, each side of a stack that it made itself from the same file."""

    runs = 1

    def __init__(self, stage: Stage) -> None:
        self.folder = stage.folder("eight-down")
        programs.sleepers(self.folder, EIGHT)
        self.projects = {OURS: stage.project(), THEIRS: stage.project()}
        self.tools = {
            OURS: ([devstack()], ["-p", self.projects[OURS]]),
            THEIRS: ([*COMPOSE, "-p", self.projects[THEIRS]], []),
        }

    def run(self, side: str) -> Sample:
        self._up(side)
        sample = timed(self._command(side, "down"), self.folder)
        expect_gone(self.projects[side])
        return sample

    def _command(self, side: str, *words: str) -> list[str]:
        before, after = self.tools[side]
        return [*before, *words, *after]

    def _up(self, side: str) -> None:
        timed(self._command(side, "up", *(["-d"] if side == THEIRS else [])), self.folder)
        expect_running(self.projects[side], EIGHT)

    def ours(self) -> tuple[list[str], Path]:
        return self._command(OURS, "down"), self.folder

    def before_ours(self) -> None:
        self._up(OURS)

    def after_ours(self) -> None:
        expect_gone(self.projects[OURS])


class Down:
    """`down` of programs that are deaf to SIGTERM as PID 1: ours from a spec of kinds, theirs from the file people write."""

    runs = 1

    def __init__(self, stage: Stage) -> None:
        self.projects = {OURS: stage.project(), THEIRS: stage.project()}
        self.folders = {OURS: stage.folder("down-kinds"), THEIRS: stage.folder("down-plain")}
        programs.stubborn(self.folders[OURS], self.folders[THEIRS], self.projects[OURS], free_port())
        plain = [*COMPOSE, "-p", self.projects[THEIRS]]
        self.up = {OURS: [devstack(), "up"], THEIRS: [*plain, "up", "-d", "--wait"]}
        self.down = {OURS: [devstack(), "down"], THEIRS: [*plain, "down"]}

    def run(self, side: str) -> Sample:
        timed(self.up[side], self.folders[side])
        expect_running(self.projects[side], 3)
        sample = timed(self.down[side], self.folders[side])
        expect_gone(self.projects[side])
        sweep(self.projects[side])
        return sample

    def ours(self) -> tuple[list[str], Path]:
        return self.down[OURS], self.folders[OURS]

    def before_ours(self) -> None:
        timed(self.up[OURS], self.folders[OURS])

    def after_ours(self) -> None:
        expect_gone(self.projects[OURS])


class Start:
    """A command that no container is needed for; of the tool's start it is mostly made."""

    runs = 10

    def __init__(self, folder: Path, ours: list[str], theirs: list[str]) -> None:
        self.folder = folder
        self.commands = {OURS: [devstack(), *ours], THEIRS: theirs}

    def run(self, side: str) -> Sample:
        return timed(self.commands[side], self.folder)

    def ours(self) -> tuple[list[str], Path]:
        return self.commands[OURS], self.folder

    def before_ours(self) -> None:
        return

    def after_ours(self) -> None:
        return


CONTESTS: Mapping[str, Callable[[Stage], Contest]] = {
    "chain": lambda stage: Cold(stage, "chain", 3, lambda folder: programs.chain(folder, free_port())),
    "levels": lambda stage: Cold(stage, "levels", 30, programs.levels),
    "noop": lambda stage: Standing(stage, "noop", ["up"], ["up", "-d", "--wait"]),
    "down": Down,
    "status": lambda stage: Standing(stage, "status", ["status"], ["ps"]),
    "version": lambda stage: Start(stage.root, ["--version"], IMPORT),
    "help": lambda stage: Start(stage.root, ["--help"], IMPORT),
    "config": lambda stage: Start(
        _written(stage.folder("config"), partial(programs.rich, count=100)),
        ["config", "--format", "json"],
        [*COMPOSE, "config", "--format", "json"],
    ),
    "eight-up": lambda stage: Cold(stage, "eight-up", EIGHT, partial(programs.probed, count=EIGHT)),
    "eight-bare": lambda stage: Cold(stage, "eight-bare", EIGHT, partial(programs.sleepers, count=EIGHT), probed=False),
    "eight-down": DownEight,
    "grow-config": lambda stage: Growth(stage, "config", [devstack(), "config"], programs.rich, (10, 55, 100), 10),
    "grow-plan": lambda stage: Growth(stage, "plan", [devstack(), "up", "--plan"], programs.sleepers, (10, 55, 100), 10),
    "grow-noop": lambda stage: GrowthOfNoop(stage, "again", [devstack(), "up"], programs.sleepers, (10, 30, 50), 10),
    "grow-up": lambda stage: GrowthOfUp(stage, "up", [devstack(), "up"], programs.sleepers, (10, 30, 50), 1),
    "reset-replay": data.ResetAgainstReplay,
    "reset-compose": data.ResetAgainstCompose,
    "undo-restore": data.UndoAgainstRestore,
    "verify": verifying.VerifyAgainstUp,
    "verify-live": verifying.LiveAgainstPromise,
    **{name: partial(systems.SystemUp, name=name) for name in systems.SYSTEMS},
    "native-cold": lambda stage: native.NativeUp(stage, "native-cold", warm=False),
    "native-warm": lambda stage: native.NativeUp(stage, "native-warm", warm=True),
    "native-reset": native.NativeReset,
    **database.CONTESTS,
}


def _written(folder: Path, write: Callable[[Path], None]) -> Path:
    write(folder)
    return folder


def missing_images() -> list[str]:
    """Images that the contests need and the engine does not have: a pull would be measured with the rest."""
    wanted = {*programs.CHAIN_IMAGES, *programs.LEVELS_IMAGES, *programs.STUBBORN_IMAGES}
    there = set(ask("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
    return sorted(wanted - there)
