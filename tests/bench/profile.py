"""`--profile ROW`: where devstack's own time goes in one run: imports, engine calls, and what lies between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.contests import Contest
from tests.bench.process import BenchError, environment

TOP = 20
TRACER = Path(__file__).with_name("tracer.py")


def profile(contest: Contest) -> str:
    """Run our side twice, once for the imports and once with every engine call written down."""
    (_, *arguments), folder = contest.ours()
    contest.before_ours()
    imports = _run([sys.executable, "-X", "importtime", "-m", "devstack", *arguments], folder)
    contest.after_ours()
    contest.before_ours()
    with tempfile.NamedTemporaryFile() as file:
        _run([sys.executable, str(TRACER), file.name, *arguments], folder)
        trace = json.loads(Path(file.name).read_text())
    contest.after_ours()
    return f"devstack {' '.join(arguments)}\n\n{_imports(imports)}\n\n{_calls(trace)}"


def _run(argv: list[str], folder: Path) -> str:
    root = str(Path(__file__).parent.parent.parent)
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, check=False, timeout=300, env=environment() | {"PYTHONPATH": root}
    )
    if done.returncode != 0:
        raise BenchError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stderr


def _imports(stderr: str) -> str:
    """The modules that cost most by themselves, and what the large packages cost together."""
    own: dict[str, int] = {}
    for line in stderr.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and parts[0].strip().isdigit():
            own[parts[2].strip()] = int(parts[0])
    packages: dict[str, int] = {}
    for module, cost in own.items():
        package = ".".join(module.split(".")[: 2 if module.startswith("devstack.") else 1])
        packages[package] = packages.get(package, 0) + cost
    lines = [f"imports: {len(own)} modules, {sum(own.values()) / 1000:.0f} ms (importtime itself makes them slower)"]
    lines.append("  by package: " + ", ".join(f"{name} {cost / 1000:.0f}" for name, cost in _largest(packages)) + " ms")
    lines.append("  by module:  " + ", ".join(f"{name} {cost / 1000:.1f}" for name, cost in _largest(own)) + " ms")
    return "\n".join(lines)


def _largest(costs: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(costs.items(), key=lambda item: -item[1])[:TOP]


def _calls(trace: dict[str, Any]) -> str:
    calls, total = trace["calls"], trace["total"]
    lines = [f"engine calls: {len(calls)} in {total * 1000:.0f} ms of run time (from the interpreter's first line)"]
    if not calls:
        return lines[0]
    first, last = min(c["begun"] for c in calls), max(c["begun"] + c["took"] for c in calls)
    lines.append(
        f"  before the first call {first * 1000:.0f} ms, from it to the last answer {(last - first) * 1000:.0f} ms "
        f"(an answer was awaited for {_covered(calls) * 1000:.0f} ms of these), after it {(total - last) * 1000:.0f} ms"
    )
    lines.append("       at   took  thread            call")
    for call in sorted(calls, key=lambda c: c["begun"]):
        lines.append(f"  {call['begun'] * 1000:>6.0f} {call['took'] * 1000:>6.1f}  {call['thread']:<16.16}  {call['what']}")
    return "\n".join(lines)


def _covered(calls: list[dict[str, Any]]) -> float:
    """Seconds in which at least one call was under way."""
    covered = end = 0.0
    for begun, until in sorted((c["begun"], c["begun"] + c["took"]) for c in calls):
        covered += max(0.0, until - max(begun, end))
        end = max(end, until)
    return covered


if __name__ == "__main__":
    sys.exit(os.EX_USAGE)
