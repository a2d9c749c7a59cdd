"""How `devstack env` is answered."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.cli.console import columns
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.errors import UsageError
from devstack.project import locate
from devstack.redact import MASK
from devstack.spec.model import Spec

if TYPE_CHECKING:
    from devstack.render.connections import Connection


def _spec(session: Session) -> Spec:
    spec, _ = locate(session.selection, Path.cwd(), os.environ)
    if spec is None:
        raise UsageError("devstack env --explain needs a devstack.yml", hints=["devstack init   (adopts the Compose file)"])
    return spec


def _values(session: Session, spec: Spec) -> dict[str, str]:
    """The values of the env files, the shell's over them."""
    from devstack.compose.dotenv import parse
    from devstack.document import read_text

    found: dict[str, str] = {}
    for path in session.selection.env_files or (spec.render.env,):
        if path.is_file():
            found |= {name: value for name, value in parse(read_text(path), str(path)).items() if value is not None}
    return {**found, **os.environ}


def show(session: Session, consumer: str) -> None:
    """Lines for `eval`, or the variables as data. This is asked for to be used, so secrets are shown."""
    found = _found(session, consumer)
    if session.console.as_json:
        session.console.answer_with_secrets({item.variable: item.value for item in found})
        return
    for item in found:
        session.console.raw(f"export {item.variable}={shlex.quote(item.value)}")


def _found(session: Session, consumer: str) -> tuple[Connection, ...]:
    """The variables of services of a kind, then those of the others that are recognised by their image."""
    from devstack.render.adopted import stack_connections
    from devstack.render.connections import connections
    from devstack.spec.kinds import load_kinds

    spec, _ = locate(session.selection, Path.cwd(), os.environ)
    if spec is None:
        return stack_connections(session.stack)
    found = connections(spec, load_kinds(spec.root), _values(session, spec), consumer=consumer or None)
    kinds = [name for name, service in spec.services.items() if service.kind]
    said = {item.variable for item in found}
    others = () if consumer else stack_connections(session.stack, without=kinds)
    return (*found, *(item for item in others if item.variable not in said))


def explain(session: Session, variable: str) -> None:
    """Every source of a variable, the strongest first, and the one that won."""
    from devstack.document import did_you_mean
    from devstack.render.explain import explain as explained
    from devstack.render.explain import for_programs
    from devstack.render.render import render
    from devstack.spec.kinds import load_kinds

    spec = _spec(session)
    kinds = load_kinds(spec.root)
    found = explained(spec, kinds, variable, shell=os.environ, env_files=session.selection.env_files or None)
    printed = _found(session, "")
    found += tuple(for_programs(spec, item) for item in printed if item.variable == variable)
    if not found:
        known = [*(item.variable for item in printed), *render(spec, project=spec.name).port_variables]
        raise UsageError(f"nobody knows a variable {variable}", hints=[did_you_mean(variable, known) or "devstack env lists them"])
    lines: list[str] = []
    data: list[Json] = []
    for item in found:
        lines.append(f"{item.variable} in {item.where}")
        rows = []
        for index, source in enumerate(item.sources):
            value = "(not set)" if source.value is None else MASK if item.secret and source.value else source.value
            rows.append(["→" if index == item.winner else " ", source.name, value, source.place])
        lines.append(columns(rows))
        sources: list[Json] = [
            {"name": row[1], "value": row[2] if s.value is not None else None, "place": row[3] or None}
            for row, s in zip(rows, item.sources, strict=True)
        ]
        data.append({"where": item.where, "sources": sources, "winner": item.winner})
    session.console.answer({"variable": variable, "explanations": data}, "\n".join(lines))
