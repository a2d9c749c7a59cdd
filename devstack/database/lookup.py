r"""Where a file stands that a script names. psql looks from the folder it was started in; here that is the project's."""

from __future__ import annotations

import os
from pathlib import Path


class NotToBeHad(Exception):
    """The file cannot be taken: `message` says why, `hint` what to do; `missing` tells a file that is not there from a forbidden one."""

    def __init__(self, message: str, hint: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.missing = missing


def locate(root: Path | None, including: str, named: str, *, relative: bool) -> tuple[str, Path]:
    """The file's name as shown, and where it is. `including` is the name of the script that asks; `relative`: look only beside it.

    Raises NotToBeHad for what is missing, no regular file, or outside the project.
    """
    if root is None:
        raise NotToBeHad("no other file can be brought in here", "put its content into this one")
    root = root.resolve()
    beside = root / os.path.dirname(including)  # noqa: PTH120 - a name, not a path of this machine
    folders = [beside] if relative else [root, beside]
    found = next((folder / named for folder in folders if (folder / named).exists()), None)
    if found is None:
        where = " or ".join(dict.fromkeys(_shown(folder, root) for folder in folders))
        raise NotToBeHad(f"there is no file {named} in {where}", "correct the name; it is looked for in the project", missing=True)
    real = found.resolve()
    if not real.is_relative_to(root):
        raise NotToBeHad(f"{named} is outside the project", f"copy it into the project's folder {root.name}")
    if not real.is_file():
        raise NotToBeHad(f"{named} is no regular file", "name a file")
    return _shown(found, root), real


def _shown(path: Path, root: Path) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")
