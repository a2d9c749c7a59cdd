"""The flows of `schema baseline` and `schema repair`: only the ledger is written."""

from __future__ import annotations

from collections.abc import Sequence

from devstack.cli.console import columns
from devstack.cli.schema.choosing import Chosen, databases, only
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.database import amend
from devstack.database import files as on_disk
from devstack.database.amend import Amended
from devstack.database.apply import resolve


def baseline(session: Session, named: str | None, to: str) -> None:
    """Record all files, or those up to `to`, as applied."""
    found = (only(session, named),) if to else databases(session, named)
    done = []
    for chosen in found:
        last = resolve(chosen.files, on_disk.read(chosen.files), to) if to else ""
        done.append((chosen, amend.baseline(chosen.target, chosen.files, last)))
    _answer(session, done)


def repair(session: Session, named: str | None, paths: Sequence[str], *, forget: bool) -> None:
    """Put single files right."""
    chosen = only(session, named)
    _answer(session, [(chosen, amend.repair(chosen.target, chosen.files, paths, forget=forget))])


def _answer(session: Session, done: list[tuple[Chosen, tuple[Amended, ...]]]) -> None:
    answers: list[Json] = []
    texts = []
    for chosen, amended in done:
        rows: list[Json] = [{"path": a.path, "what": a.what, "before": a.before} for a in amended]
        answers.append({"service": chosen.files.service, "database": chosen.files.database, "files": rows})
        texts.append(f"{chosen.place}: {len(amended)} put right in the ledger" if amended else f"{chosen.place}: nothing to record")
        if amended:
            texts.append(columns([[a.what, a.path, f"was {a.before}"] for a in amended]))
    session.console.answer({"project": session.stack.name, "databases": answers}, "\n".join(texts))
