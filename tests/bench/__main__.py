"""`python -m tests.bench`: devstack against Docker Compose on this engine. Exit 1 when a bar is missed, 2 when nothing could be measured."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from tests.bench.contests import CONTESTS, OURS, THEIRS, Contest, devstack, missing_images
from tests.bench.process import BenchError, ask
from tests.bench.profile import profile
from tests.bench.stage import Stage
from tests.bench.table import ROWS, Json, Result, Row, Samples, results, table


def main() -> int:
    asked = _arguments()
    signal.signal(signal.SIGTERM, _terminated)
    rows = [row for row in ROWS if not asked.only or row.name in asked.only]
    stage = Stage()
    try:
        _check_ground()
        if asked.profile:
            contest = next(row.contest for row in ROWS if row.name == asked.profile)
            print(profile(CONTESTS[contest](stage)))
            return 0
        found = _measure(stage, rows, asked.rounds, quiet=asked.json)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; cleaning up", file=sys.stderr)
        return 130
    finally:
        # What was made is taken away even when the person at the terminal is impatient.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stage.clear()
    print(json.dumps(_document(found, asked.rounds), indent=2) if asked.json else f"{_ground(asked.rounds)}\n\n{table(found)}")
    return 0 if all(item.ok for item in found) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = [row.name for row in ROWS]
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="rounds of each row (3); the sides change order each round"
    )
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"only this row (repeatable): {', '.join(names)}"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document with every sample")
    parser.add_argument("--profile", choices=names, metavar="ROW", help="where devstack's time goes in a row, instead of measuring")
    asked = parser.parse_args()
    if asked.rounds < 1:
        parser.error("--rounds begins at 1")
    return asked


def _terminated(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _check_ground() -> None:
    devstack()
    ask("docker", "version", "--format", "{{.Server.Version}}")
    ask("docker", "compose", "version", "--short")
    missing = missing_images()
    if missing:
        raise BenchError(f"the engine lacks {', '.join(missing)}; pull them, or build the stand-ins: python -m tests.images.build")


def _measure(stage: Stage, rows: Sequence[Row], rounds: int, *, quiet: bool) -> list[Result]:
    measured: dict[str, Samples] = {}
    for name in dict.fromkeys(row.contest for row in rows):
        measured[name] = _contest(name, CONTESTS[name](stage), rounds, quiet=quiet)
    return results(rows, measured)


def _contest(name: str, contest: Contest, rounds: int, *, quiet: bool) -> Samples:
    """Both sides in turn: ours first in even rounds, theirs first in odd ones, so that neither always finds the machine warm."""
    samples = Samples()
    for side in (OURS, THEIRS) if contest.runs > 1 else ():
        contest.run(side)  # unmeasured: compiles bytecode, fills the page cache
    for number in range(rounds * contest.runs):
        for side in (OURS, THEIRS) if number % 2 == 0 else (THEIRS, OURS):
            sample = contest.run(side)
            (samples.ours if side == OURS else samples.theirs).append(sample)
        if not quiet and (number + 1) % contest.runs == 0:
            print(f"{name}: {samples.ours[-1].seconds:.2f} s against {samples.theirs[-1].seconds:.2f} s", file=sys.stderr)
    return samples


def _ground(rounds: int) -> str:
    return (
        f"{ask(devstack(), '--version')} on Python {platform.python_version()}; "
        f"Docker Compose {ask('docker', 'compose', 'version', '--short')}; "
        f"engine {ask('docker', 'version', '--format', '{{.Server.Version}}')}; {rounds} rounds; "
        f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    )


def _document(found: Sequence[Result], rounds: int) -> dict[str, Json]:
    return {"ground": _ground(rounds), "ok": all(item.ok for item in found), "rows": [item.as_json() for item in found]}


if __name__ == "__main__":
    sys.exit(main())
