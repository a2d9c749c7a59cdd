"""How the catalogue is shown: a line a kind, or one kind's manual."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.cli.console import columns
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.errors import UsageError
from devstack.project import folder_of

if TYPE_CHECKING:
    from devstack.spec.kinds import Kind
    from devstack.spec.options import Option


def show(session: Session, name: str | None) -> None:
    """The list, or one manual."""
    from devstack.spec.kinds import load_kinds

    kinds = load_kinds(folder_of(session.selection, Path.cwd()))
    if name is None:
        rows = [[kind.name, kind.title, "" if kind.builtin else "this project's own"] for kind in kinds.values()]
        session.console.answer({"kinds": [_json(kind) for kind in kinds.values()]}, columns(rows, indent=""))
        return
    kind = _find(kinds, name)
    session.console.answer(_json(kind), manual(kind))


def _find(kinds: Mapping[str, Kind], name: str) -> Kind:
    from devstack.document import did_you_mean

    if name not in kinds:
        raise UsageError(f"no such kind: {name}", hints=[did_you_mean(name, kinds) or f"kinds: {', '.join(kinds)}"], code="no-kind")
    return kinds[name]


def manual(kind: Kind) -> str:
    """One kind's manual as text."""
    parts = [f"{kind.name}: {kind.title}", "", kind.summary]
    if kind.options:
        rows = [[o.name, o.type, "required" if o.required else o.default_text, _meaning(o)] for o in kind.options.values()]
        parts += ["", "options", columns(rows, header=["name", "type", "default", "meaning"])]
    if kind.env:
        parts += [
            "",
            "variables in .env",
            columns([[f"<SERVICE>_{v.suffix}", "secret" if v.secret else "", v.help] for v in kind.env]),
        ]
    if kind.provides:
        parts += ["", "gives to what depends on it", "  " + ", ".join(v.name for v in kind.provides)]
    if kind.example:
        parts += ["", "example", *(f"  {line}" for line in kind.example.rstrip().splitlines())]
    return "\n".join(parts)


def _meaning(option: Option) -> str:
    return f"{option.help} (one of: {', '.join(option.choices)})" if option.choices else option.help


def _json(kind: Kind) -> Json:
    options: list[Json] = [
        {"name": o.name, "type": o.type, "default": o.default, "required": o.required, "help": o.help, "choices": list(o.choices)}
        for o in kind.options.values()
    ]
    provides: list[Json] = [v.name for v in kind.provides]
    return {"name": kind.name, "title": kind.title, "summary": kind.summary, "options": options, "provides": provides}
