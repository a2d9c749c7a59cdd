"""Console blocks of a document: what a reader would type, and what it says that comes of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHORTENED = re.compile(r"(?:[0-9a-f]{4,8}-?)?\.\.\.")
PATIENCE = 20.0
"""Seconds in which what a document shows has to come about, where it is only looked at."""


@dataclass(frozen=True)
class Step:
    """One command and the lines shown under it; "..." in them stands for anything."""

    command: str
    shown: tuple[str, ...]

    @property
    def only_looks(self) -> bool:
        return self.command.startswith("curl") and " -d " not in self.command


def steps(document: str) -> Iterator[Step]:
    """Every command of every console block, in order."""
    for block in re.findall(r"^```console\n(.*?)^```", document, re.S | re.M):
        for command, shown in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            yield Step(re.sub(r"\s+#\s.*$", "", command), tuple(shown.splitlines()))


class Reader:
    """Types what a document says in `folder`. `moved` are addresses that are elsewhere here than in the document."""

    def __init__(self, folder: Path, moved: Mapping[str, str]) -> None:
        self.folder = folder
        self._moved = dict(moved)

    def do(self, step: Step) -> str:
        """Run a step and hold what comes of it against what is shown; ids that it shows are known from then on."""
        deadline = time.monotonic() + PATIENCE
        while True:
            done = self.run(self._here(step.command))
            assert done.returncode == 0, f"{step.command}\n{done.stdout}{done.stderr}"
            pattern, names = _pattern([self._here(line) for line in step.shown])
            found = re.search(pattern, done.stdout)
            if found is not None:
                self._moved |= dict(zip(names, found.groups(), strict=True))
                return done.stdout
            assert step.only_looks and time.monotonic() < deadline, f"{step.command}\nshows\n{done.stdout}\nand not\n{step.shown}"
            time.sleep(0.5)

    def run(self, command: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "CI": "1"},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def _here(self, text: str) -> str:
        for there, here in self._moved.items():
            text = text.replace(there, here)
        return text


def _pattern(shown: list[str]) -> tuple[str, list[str]]:
    """A regular expression of the lines, with a group for each id in them."""
    names: list[str] = []
    lines = []
    for line in shown:
        parts = []
        for piece in re.split(f"({_UUID.pattern}|{_SHORTENED.pattern})", line):
            if _UUID.fullmatch(piece):
                names.append(piece)
                parts.append(f"({_UUID.pattern})")
            else:
                parts.append(".*" if _SHORTENED.fullmatch(piece) else re.escape(piece))
        lines.append("".join(parts))
    return "\n".join(lines), names
