"""How a plan's progress is shown: one line a result everywhere, and on a terminal also what is under way."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from devstack.cli.console import Console, is_interactive
from devstack.execute.results import Happened, Phase
from devstack.plan.steps import (
    ApplySchema,
    Await,
    Build,
    CreateNetwork,
    CreateVolume,
    Pull,
    Remove,
    RemoveNetwork,
    Start,
    Step,
    Stop,
)

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table


def subject(step: Step) -> tuple[str, str]:
    """(word, rest) of a step's line: ("network", "default"), ("db", "")."""
    match step:
        case CreateNetwork():
            return "network", step.network.key
        case CreateVolume():
            return "volume", step.volume.key
        case Pull():
            return "pull", step.reference
        case Build():
            return "build", step.service.name
        case Await():
            return step.service.name, ""
        case ApplySchema():
            return "schema", f"{step.service.name}/{step.database}"
        case Stop() | Remove():
            return step.name, ""
        case RemoveNetwork():
            return "network", step.name
        case _:
            return step.service if isinstance(step.service, str) else step.service.name, ""


def _is_worth_a_line(happened: Happened) -> bool:
    """News of a step under way that must not be missed: why a wait lasts, what the database says meanwhile."""
    said = happened.text.startswith(("notice", "waiting")) or " | " in happened.text
    return isinstance(happened.step, Await) or (isinstance(happened.step, ApplySchema) and said)


VERBS: dict[type[Step], str] = {Stop: "stopped", Remove: "removed", RemoveNetwork: "removed"}


class PlainProgress(AbstractContextManager["PlainProgress"]):
    """Lines without redraws; `quiet` shows failures only."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self.console = console
        self.quiet = quiet
        self.zero = time.monotonic()
        self.started: dict[str, float] = {}

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def __call__(self, happened: Happened) -> None:
        """Take in one event of the executor."""
        step = happened.step
        if happened.phase is Phase.BEGUN and isinstance(step, Start):
            self.started[f"{step.service.name}-{step.number}"] = time.monotonic()
        line = self.line(happened)
        if line and (not self.quiet or happened.phase is Phase.FAILED):
            self.console.say(line)

    def line(self, happened: Happened) -> str:
        """The line for an ended step; "" when it has none of its own."""
        step = happened.step
        if happened.phase is Phase.PROGRESS and _is_worth_a_line(happened):
            return f"{self._elapsed()}… {subject(step)[0]:<8} {happened.text}"
        failed = happened.phase is Phase.FAILED
        shown = isinstance(step, CreateNetwork | Pull | Build | Await | ApplySchema | Remove | RemoveNetwork) or failed
        shown = shown or (isinstance(step, Stop) and bool(step.reason == "" or happened.text))
        if happened.phase not in (Phase.DONE, Phase.FAILED) or not shown:
            return ""
        word, rest = subject(step)
        text = happened.text or VERBS.get(type(step), "")
        mark = self.console.paint("✗", "red") if failed else self.console.paint("✓", "green")
        what = "  ".join(part for part in (rest, text) if part)
        return f"{self._elapsed()}{mark} {word:<8} {what:<42} {self._seconds(happened):.1f} s"

    def _elapsed(self) -> str:
        return f"[{time.monotonic() - self.zero:6.1f} s] "

    def _seconds(self, happened: Happened) -> float:
        """A service's time runs from its start, not from the moment somebody began to wait for it."""
        step = happened.step
        begun = self.started.get(f"{step.service.name}-{step.number}") if isinstance(step, Await) else None
        return time.monotonic() - begun if begun is not None else happened.seconds


class LiveProgress(PlainProgress):
    """On a terminal: finished lines stay, what is under way is redrawn below them."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        super().__init__(console, quiet=quiet)
        self.under_way: dict[str, tuple[Step, float, str, float | None]] = {}
        self.live: Live | None = None

    def __enter__(self) -> Self:
        from rich.console import Console as Rich
        from rich.live import Live

        self.live = Live(console=Rich(stderr=True), get_renderable=self._table, refresh_per_second=8, transient=True)
        self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self.live is not None:
            self.live.stop()

    def __call__(self, happened: Happened) -> None:
        key = happened.step.key
        if happened.phase is Phase.BEGUN:
            self.under_way[key] = (happened.step, time.monotonic(), "", None)
        elif happened.phase is Phase.PROGRESS and key in self.under_way:
            step, begun, _, _ = self.under_way[key]
            self.under_way[key] = (step, begun, self.console.redactor.mask(happened.text), happened.fraction)
        else:
            self.under_way.pop(key, None)
        super().__call__(happened)

    def _elapsed(self) -> str:
        return ""

    def _table(self) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.spinner import Spinner
        from rich.table import Table

        table = Table.grid(padding=(0, 1))
        for step, begun, text, fraction in list(self.under_way.values())[:12]:
            word, rest = subject(step)
            bar = ProgressBar(total=1.0, completed=fraction, width=20) if fraction is not None else text[:48]
            table.add_row(Spinner("dots"), word, rest or str(step).split()[0], bar, f"{time.monotonic() - begun:.1f} s")
        return table


def progress(console: Console, *, quiet: bool = False) -> PlainProgress:
    """The right progress for where stderr goes."""
    if is_interactive(sys.stderr) and not console.as_json:
        return LiveProgress(console, quiet=quiet)
    return PlainProgress(console, quiet=quiet or console.as_json)
