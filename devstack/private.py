"""Folders of one checkout's own, which git never takes up: `.devstack`."""

from __future__ import annotations

from pathlib import Path


def private_folder(folder: Path) -> Path:
    """The folder, made where it is not there, with a .gitignore that leaves out all of it. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder
