"""Prints the comparison: `python -m tests.engine.parity`. Needs an engine and Docker Compose 2.40."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from devstack.engine.docker import connect
from devstack.engine.endpoint import resolve
from tests.engine.parity.corpus import CORPUS, comparison
from tests.engine.parity.differences import DIFFERENCES, Difference, differences
from tests.engine.parity.keys import CANNOT_BE_TRIED, known, reason_not_to_try


def main() -> int:
    """The exit code: 1 when something differs that is not listed, or something is listed that does not differ."""
    found, settings, things, begun = list[Difference](), 0, 0, time.monotonic()
    engine = connect(resolve(None, os.environ))
    with tempfile.TemporaryDirectory() as folder, comparison(engine, Path(folder)) as compare:
        for example in CORPUS:
            compose, devstack = compare(example)
            mine = differences(compose, devstack)
            count = len({*compose.settings, *devstack.settings})
            print(f"{example.name:<10}{len(compose.things):>4} things {count:>5} settings {len(mine):>4} differ")
            found += mine
            settings += count
            things += len(compose.things | devstack.things)
    engine.close()
    tried = [path for path in known() if not reason_not_to_try(path)]
    top = sum(len(path) == 1 for path in tried)
    print(f"\n{len(tried)} keys ({top} of a service, the rest below them), {things} things, {settings} settings")
    print(f"compared in {time.monotonic() - begun:.0f} s\n")
    return show(found)


def show(found: list[Difference]) -> int:
    """Print the table of what differs."""
    counted = Counter(item.pattern for item in found)
    for pattern, reason in DIFFERENCES.items():
        print(f"{counted[pattern] or 'NONE':>4}  {pattern}\n      {reason}")
    print("\nnot tried:")
    for key, reason in CANNOT_BE_TRIED.items():
        print(f"      {key}: {reason}")
    unlisted = [item for item in found if not item.pattern]
    for item in unlisted:
        print(f"NOT LISTED: {item}")
    return 1 if unlisted or any(not counted[pattern] for pattern in DIFFERENCES) else 0


if __name__ == "__main__":
    sys.exit(main())
