"""The three ways of `devstack render`."""

from __future__ import annotations

import os

from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.errors import DevstackError, EngineError, UsageError
from devstack.project import existing_name, locate
from devstack.spec.model import Spec


def _spec(session: Session) -> Spec:
    from pathlib import Path

    spec, _ = locate(session.selection, Path.cwd(), os.environ)
    if spec is None:
        raise UsageError("there is no devstack.yml to render", hints=["devstack init"])
    return spec


def write(session: Session) -> None:
    """Bring the files on disk up to date."""
    try:
        session.prepare()
    except EngineError:
        # Rendering needs no engine; only the question whose name is free does, and the next `up` asks it again.
        session.prepare(offline=True)
    project = session.project
    for note in project.notes:
        session.console.label("note", note)
    data: dict[str, Json] = {"written": list(project.written), "new_secrets": project.new_secrets}
    session.console.answer(data, "\n".join(project.written) or "all files are up to date")


def check(session: Session) -> None:
    """Exit 1 with a diff when a rendered file is not what devstack.yml says."""
    from devstack.render.render import render, stale

    spec = _spec(session)
    rendered = render(spec, project=existing_name(spec, session.selection, os.environ) or spec.name)
    session.console.hide(rendered.secrets)
    diffs = stale(rendered)
    if not diffs:
        session.console.answer({"stale": []}, "all files are up to date")
        return
    if not session.console.as_json:
        session.console.out("\n".join(diff.text for diff in diffs))
    raise DevstackError(
        f"{len(diffs)} rendered files are stale",
        details=[("stale", "\n".join(session.relative(spec.root, diff.path) for diff in diffs))],
        hints=["devstack render"],
        code="stale",
    )


def show(session: Session) -> None:
    """Print what would be written."""
    from devstack.render.render import render

    spec = _spec(session)
    rendered = render(spec, project=existing_name(spec, session.selection, os.environ) or spec.name)
    session.console.hide(rendered.secrets)
    files: list[Json] = [{"path": session.relative(spec.root, f.path), "text": f.text} for f in rendered.files]
    text = "\n".join(f"# --- {session.relative(spec.root, f.path)}\n{f.text}" for f in rendered.files)
    session.console.answer({"files": files}, text.rstrip())
