"""Which devstack.yml a folder belongs to."""

from __future__ import annotations

from pathlib import Path

NAMES = ("devstack.yml", "devstack.yaml")
LOCAL_NAMES = ("devstack.local.yml", "devstack.local.yaml")


def find(start: Path) -> Path | None:
    """The nearest devstack.yml (or .yaml) in `start` or a folder above it, None when there is none."""
    start = start.resolve()
    for folder in (start, *start.parents):
        for name in NAMES:
            path = folder / name
            if path.is_file():
                return path
    return None


def shown(path: Path) -> str:
    """How errors call a file: relative to the current folder where that is short."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
