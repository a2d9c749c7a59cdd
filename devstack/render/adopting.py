"""A devstack.yml for a folder that already has Compose files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from devstack.compose.load import Sources, load
from devstack.compose.model import Service
from devstack.compose.roles import INIT_SCRIPTS, Postgres, role_of
from devstack.document import MappingNode, ScalarNode, dump, read
from devstack.errors import SpecError
from devstack.spec.find import shown
from devstack.spec.load import project_slug

TOOLS = {"alembic.ini": "alembic", "schema.prisma": "prisma", "manage.py": "django"}
"""The file that tells which migration tool a project has."""
_USUAL = ("migrations", "db", "sql", "schema", "database")
_DEEP = 4
_NOT_OURS = {"node_modules", "vendor", "dist", "build", "venv", "target", "__pycache__"}


def adopt(folder: Path, compose_files: Iterable[Path]) -> str:
    """The text of a devstack.yml that adopts Compose files of `folder`. Nothing is written."""
    compose_files = tuple(compose_files)
    paths = [os.path.relpath(path, folder) for path in compose_files]
    name = next((text for text in map(_own_name, compose_files) if text), "") or project_slug(folder.resolve().name) or "app"
    # One entry in brackets, as a person would write it.
    listed = dump([*paths]) if len(paths) > 1 else f"compose: [{dump(paths[0]).strip()}]\n"
    compose = listed if len(paths) == 1 else "compose:\n" + "".join(f"  {line}\n" for line in listed.splitlines())
    return (
        f"# Adopts the Compose file{'s' if len(paths) > 1 else ''} of this project; what stands here is merged over.\n"
        f"name: {name}\n\n{compose}\n"
        "# Services of a kind (devstack kinds) and keys to change may be added:\n"
        "# services:\n"
        "#   mail: {kind: mailpit}\n\n"
        f"{_schema(folder, compose_files)}"
    )


def _schema(folder: Path, compose_files: tuple[Path, ...]) -> str:
    """An example of a schema that names what this project has. It stays a comment: nothing is run that nobody asked for."""
    try:
        services = tuple(load(Sources(files=compose_files, directory=folder, environment={})).services.values())
    except SpecError:  # the files need more than is known here
        services = ()
    database = next((service.name for service in services if isinstance(role_of(service), Postgres)), "db")
    files = list(_files(folder.resolve()))
    for path in files:
        run = _home(path, services) if path.name in TOOLS else ""
        if run:
            return (
                f"# {path.name} is there: `devstack up` lets the project's own tool make the schema:\n"
                f"# schema: {{service: {database}, tool: {TOOLS[path.name]}, run: {run}}}\n"
            )
    pattern = json.dumps(_pattern(folder.resolve(), files, services), ensure_ascii=False)
    return f"# SQL files that `devstack up` applies in order, each once:\n# schema: {{service: {database}, files: [{pattern}]}}\n"


def _files(folder: Path) -> Iterator[Path]:
    """The project's SQL files and those that tell of a tool, outermost first."""
    for here, folders, names in os.walk(folder):
        deep = len(Path(here).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if deep < _DEEP and name not in _NOT_OURS and not name.startswith("."))
        yield from (Path(here, name) for name in sorted(names) if name in TOOLS or name.endswith(".sql"))


def _home(path: Path, services: Iterable[Service]) -> str:
    """The service whose image or container has a file: the one whose folder is nearest to it; "" where there is none."""
    near: dict[int, str] = {}
    for service in services:
        folders = [service.build.context] if service.build is not None else []
        folders += [mount.source for mount in service.mounts if mount.type == "bind" and mount.source]
        for folder in map(Path, folders):
            if path.is_relative_to(folder.resolve()):
                near.setdefault(len(folder.resolve().parts), service.name)
    return near[max(near)] if near else ""


def _pattern(folder: Path, files: Iterable[Path], services: Iterable[Service]) -> str:
    """The folder that looks most like the schema's; the image runs first scripts itself, and dumps lie anywhere."""
    scripts = [
        Path(mount.source).resolve()
        for service in services
        for mount in service.mounts
        if mount.type == "bind" and mount.source and mount.target.startswith(INIT_SCRIPTS)
    ]
    found = [path for path in files if path.suffix == ".sql" and path.parent not in scripts and path not in scripts]
    homes = [path.parent.relative_to(folder) for path in found]
    usual = [home for home in homes if any(part in _USUAL for part in home.parts)]
    if not usual:
        return "db/*.sql"
    home = min(usual, key=lambda one: (len(one.parts), *map(_rank, one.parts)))
    upward = any(path.name.endswith(".up.sql") for path in found if path.parent == folder / home)
    return f"{home.as_posix()}/*{'.up' if upward else ''}.sql"


def _rank(part: str) -> int:
    return _USUAL.index(part) if part in _USUAL else len(_USUAL)


def _own_name(path: Path) -> str:
    node = read(path, shown(path))
    name = node.get("name") if isinstance(node, MappingNode) else None
    text = name.value if isinstance(name, ScalarNode) and isinstance(name.value, str) else ""
    return text if text and text == project_slug(text) else ""
