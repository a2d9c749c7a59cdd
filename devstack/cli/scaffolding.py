"""The flow of `devstack init`."""

from __future__ import annotations

import os
from pathlib import Path

from devstack.cli.console import columns
from devstack.cli.session import Session
from devstack.errors import Refused, UsageError

DEFAULT = "postgres"


def list_templates(session: Session) -> None:
    """Every project template with its summary."""
    from devstack.render.scaffold import templates

    found = templates()
    rows = [[template.name, template.summary] for template in found.values()]
    session.console.answer({"templates": [{"name": name, "summary": text} for name, text in rows]}, columns(rows, indent=""))


def make(session: Session, folder: Path, template: str, name: str) -> None:
    """A new project, or the adoption of a Compose file that is there."""
    from devstack.compose.sources import NAMES as COMPOSE_NAMES
    from devstack.render.scaffold import scaffold
    from devstack.spec.find import NAMES
    from devstack.spec.load import project_slug

    target = folder.absolute()
    if any((target / known).exists() for known in NAMES):
        raise Refused(f"there is a devstack.yml in {folder} already", hints=["devstack up", "devstack spec checks it"])
    compose = [known for known in COMPOSE_NAMES if (target / known).is_file()]
    if compose and not template:
        _adopt(session, target, compose)
        return
    slug = name or project_slug(target.name)
    if not slug:
        raise UsageError(f"no project name can be made of the folder's name {target.name}", hints=["devstack init --name my-shop"])
    written = scaffold(template or DEFAULT, target, slug)
    shown = [str(path.relative_to(target)) for path in written]
    go = f"cd {os.path.relpath(target)} && " if target != Path.cwd() else ""
    session.console.answer(
        {"folder": str(target), "created": list(shown)}, f"created  {'  '.join(shown)}\nnext     {go}devstack up"
    )


def _adopt(session: Session, target: Path, compose: list[str]) -> None:
    """Write a devstack.yml that adopts the Compose file; that file stays as it is."""
    from devstack.render.adopting import adopt

    override = [
        name
        for name in ("compose.override.yaml", "compose.override.yml", "docker-compose.override.yml")
        if (target / name).is_file()
    ]
    files = [compose[0], *override[:1]]
    text = adopt(target, [target / name for name in files])
    path = target / "devstack.yml"
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    session.console.answer(
        {"folder": str(target), "created": ["devstack.yml"], "adopted": list(files)},
        f"created  devstack.yml, which adopts {', '.join(files)}\nnext     devstack up",
    )
