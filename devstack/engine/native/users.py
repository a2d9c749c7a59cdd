"""Whom a program of ours runs as that refuses to be root, and what belongs to that user."""

from __future__ import annotations

import os
from pathlib import Path

from devstack.engine.native.places import HOME_VARIABLE
from devstack.errors import EngineRefused
from devstack.spec.native import Native

UNPRIVILEGED = ("postgres", "nobody")
"""Users that exist on most systems; the first one there runs what refuses to run as root."""


def unprivileged(native: Native) -> str:
    """Who runs a program that refuses to be root: "" when nobody is root here. Raises EngineRefused when there is no such user."""
    if not native.unprivileged or os.getuid() != 0:
        return ""
    import pwd

    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise EngineRefused(
        f"{native.programs[0]} refuses to run as root, and there is no user to run it as",
        hints=[f"make one: useradd --system {UNPRIVILEGED[0]}", "run devstack as a user of your own"],
    )


def check_way(home: Path, user: str) -> None:
    """Whoever the program runs as has to get to its files; the rights of folders that are not ours are never loosened."""
    closed = next((folder for folder in (home, *home.parents) if not folder.stat().st_mode & 0o001), None)
    if closed is not None:
        raise EngineRefused(
            f"the database server runs as {user}, who may not enter {closed}",
            hints=[f"{HOME_VARIABLE}=/var/lib/devstack/native names a place that everybody may enter"],
        )


def own(path: Path, user: str) -> None:
    """Give a file or folder of ours to the user that works with it."""
    if user:
        import pwd

        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
