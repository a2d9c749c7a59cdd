"""Whose stack is it: a stack is a project name plus a folder.

The engine knows a stack by its project name alone, so two checkouts of one project would fight over the same containers. The first
one gets the plain name; any other gets its own name and free ports, chosen once and kept in its `.env`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devstack import labels, lock
from devstack.compose.model import EMPTY, Strings
from devstack.engine.observed import Container
from devstack.errors import DevstackError, Refused

if TYPE_CHECKING:
    from devstack.engine.base import Engine

Bindable = Callable[[str, int, str], bool]


@dataclass(frozen=True, slots=True)
class Identity:
    """The project name, and the values of `.env` that go with it (ports that differ from their defaults)."""

    project: str
    settings: Strings = EMPTY
    secondary: bool = False


def owners(engine: Engine) -> dict[str, set[Path]]:
    """Project name -> folders that have containers or volumes under it on this engine."""
    found: dict[str, set[Path]] = {}
    pairs = [(c.project, c.labels.get(labels.WORKING_DIR, "")) for c in engine.containers()]
    pairs += [(v.labels.get(labels.PROJECT, ""), v.labels.get(labels.DIRECTORY, "")) for v in engine.volumes(labels.DIRECTORY)]
    for project, directory in pairs:
        if project and directory:
            found.setdefault(project, set()).add(Path(directory))
    return found


def other_owner(directory: Path, folders: Iterable[Path]) -> Path | None:
    """Another folder that is still there among `folders`; a folder that was moved or removed owns nothing any more."""
    return next((folder for folder in sorted(folders) if _resolved(folder) != _resolved(directory) and folder.is_dir()), None)


def check_owner(project: str, directory: Path, containers: Iterable[Container]) -> None:
    """Refuse to touch a stack of the same name that another folder made."""
    folders = {Path(c.labels[labels.WORKING_DIR]) for c in containers if c.labels.get(labels.WORKING_DIR)}
    other = other_owner(directory, folders)
    if other is None:
        return
    raise Refused(
        f"the stack {project} belongs to another folder",
        details=[("theirs", str(other)), ("yours", str(directory))],
        hints=["devstack up --isolated   (its own name and free ports, kept in .env)", "devstack up -p NAME", f"cd {other}"],
        code="not-yours",
    )


def choose(name: str, directory: Path, engine: Engine) -> Identity:
    """The name a checkout without one gets: `name` when nobody else has it, else a name of its own."""
    taken = owners(engine)
    for candidate in _candidates(name, directory):
        holder = lock.holder(candidate)
        folders = set(taken.get(candidate, ())) | ({Path(holder.directory)} if holder else set())
        if other_owner(directory, folders) is None:
            return Identity(project=candidate, secondary=candidate != name)
    raise DevstackError(f"no free project name like {name} was found", hints=["devstack up -p NAME"])


def _candidates(name: str, directory: Path) -> Iterable[str]:
    yield name
    folder = re.sub(r"[^a-z0-9_-]+", "-", directory.name.lower()).strip("-_")
    if folder and folder != name:
        yield folder if folder.startswith(f"{name}-") else f"{name}-{folder}"
    digest = hashlib.sha256(str(_resolved(directory)).encode()).hexdigest()
    yield f"{name}-{digest[:4]}"
    yield f"{name}-{digest[:12]}"


def free_ports(wanted: Mapping[str, int], bindable: Bindable, taken: Iterable[int] = ()) -> dict[str, str]:
    """A free host port for each variable, near its default: variable -> port as text. `taken` are never chosen."""
    used = set(taken)
    chosen: dict[str, str] = {}
    for variable, default in wanted.items():
        port = next(
            (p for p in range(default + 1, min(default + 2000, 65536)) if p not in used and bindable("127.0.0.1", p, "tcp")), None
        )
        if port is None:
            raise DevstackError(f"no free port near {default} for {variable}", hints=[f"set {variable} in .env"])
        used.add(port)
        chosen[variable] = str(port)
    return chosen


def _resolved(path: Path) -> Path:
    return path.resolve()
