"""The last runs of a checkout: a line of JSON each in `.devstack/verify/history.jsonl`, and what has become slower since."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from devstack.compose.model import Json
from devstack.private import private_folder
from devstack.verify.past import Past

FILE = Path(".devstack") / "verify" / "history.jsonl"
KEPT = 50
WINDOW = 20
"""How many runs the median is taken of: what was usual a hundred commits ago is no measure."""
SHARE, LEAST = 0.25, 0.3
"""What counts as slower: by a quarter, by 0.3 s, and by three times the usual distance from the median."""
SPREAD = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slower:
    """Something that took longer than it usually does. Seconds; `runs` is how many the median is of."""

    what: str
    seconds: float
    usual: float
    runs: int

    def as_json(self) -> Json:
        return {"what": self.what, "seconds": round(self.seconds, 3), "median": round(self.usual, 3), "runs": self.runs}


def read(root: Path) -> tuple[Past, ...]:
    """The runs that are remembered in a project's folder, the oldest first. A line that is no run (cut off, or of a later version) is
    left out: it is only a memory."""
    try:
        text = (root / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    return tuple(run for line in text.splitlines() if (run := _decode(line)) is not None)


def add(root: Path, runs: Sequence[Past]) -> None:
    """Remember runs, of all that are known the last fifty. The file is replaced whole. Raises `OSError`."""
    path = root / FILE
    private_folder(root / FILE.parts[0])
    path.parent.mkdir(exist_ok=True)
    kept = [*read(root), *runs][-KEPT:]
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text("".join(f"{json.dumps(run.as_json())}\n" for run in kept), encoding="utf-8")
    new.replace(path)


def of_mode(runs: Iterable[Past], mode: str) -> tuple[Past, ...]:
    """The runs that can be compared: those made in the same way."""
    return tuple(run for run in runs if run.mode == mode)


def slower(now: Past, past: Sequence[Past]) -> tuple[Slower, ...]:
    """What took longer than it usually does, what lost most first."""
    before = past[-WINDOW:]
    found = [item for what, seconds, earlier in _pairs(now, before) if (item := _judge(what, seconds, earlier)) is not None]
    return tuple(sorted(found, key=lambda item: item.usual - item.seconds))


def _pairs(now: Past, before: Sequence[Past]) -> Iterator[tuple[str, float, list[float]]]:
    if now.startup is not None:
        yield "cold start", now.startup, [run.startup for run in before if run.startup is not None]
    for name, seconds in now.own.items():
        yield f"start of {name}", seconds, [run.own[name] for run in before if name in run.own]
    for name, seconds in now.results.items():
        if name != "start.cold":  # the same as the cold start
            yield name, seconds, [run.results[name] for run in before if name in run.results]


def _judge(what: str, seconds: float, earlier: Sequence[float]) -> Slower | None:
    if not earlier:
        return None
    usual = median(earlier)
    distance = median(abs(value - usual) for value in earlier)
    if seconds - usual <= max(LEAST, SHARE * usual, SPREAD * distance):
        return None
    return Slower(what=what, seconds=seconds, usual=usual, runs=len(earlier))


def _decode(line: str) -> Past | None:
    try:
        body = json.loads(line)
        return Past(
            begun=float(body["begun"]),
            mode=str(body["mode"]),
            ok=bool(body["ok"]),
            seconds=float(body["seconds"]),
            startup=None if body["startup"] is None else float(body["startup"]),
            ready=_numbers(body["ready"]),
            own=_numbers(body["own"]),
            results=_numbers(body["results"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _numbers(body: Mapping[str, object]) -> dict[str, float]:
    return {str(name): float(str(seconds)) for name, seconds in body.items()}
