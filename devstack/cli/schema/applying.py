"""The flow of `schema apply`: forwards, or back by the files' own down blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.cli.console import columns
from devstack.cli.schema.choosing import Chosen, databases, each, narrated, only
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.database import files as on_disk
from devstack.database.apply import Wish, resolve
from devstack.database.schema import apply as run
from devstack.database.schema import status
from devstack.errors import Refused, UsageError
from devstack.words import counted

if TYPE_CHECKING:
    from devstack.database.down import TakeBack

NOTHING = "0"


def apply(session: Session, named: str | None, *, to: str, seeds: bool, yes: bool) -> None:
    """Bring databases up to date; with `to` one of them to that file, forwards or back."""
    if to:
        chosen = only(session, named)
        wanted = _to(chosen, to)
        if _is_behind(chosen, wanted):
            _go_back(session, chosen, wanted, yes=yes)
            return
        if not wanted:
            session.console.answer({"databases": []}, f"{chosen.place}: nothing is applied")
            return
    answers: list[Json] = []
    texts: list[str] = []

    def one(chosen: Chosen) -> None:
        data, text = _forwards(session, chosen, wanted if to else "", seeds=seeds)
        answers.append(data)
        texts.append(text)

    each(databases(session, named), one)
    session.console.answer({"project": session.stack.name, "databases": answers}, "\n".join(texts))


def _to(chosen: Chosen, to: str) -> str:
    """The file that is meant, "" for none at all."""
    if chosen.entry.tool is not None:
        raise UsageError(
            f"--to is for SQL files; {chosen.place} is migrated by {chosen.entry.tool.name}",
            hints=[f"devstack exec {chosen.entry.tool.run} {chosen.entry.tool.name} ...   (it knows how to go to a version)"],
        )
    return "" if to == NOTHING else resolve(chosen.files, on_disk.read(chosen.files), to)


def _is_behind(chosen: Chosen, wanted: str) -> bool:
    """Whether files after the wanted one are applied."""
    items = on_disk.read(chosen.files)
    last = items[wanted].position if wanted else -1
    states = status(chosen.target, chosen.files)
    return any(
        state.path in items and state.kind == "versioned" and state.applied_checksum and items[state.path].position > last
        for state in states
    )


def _forwards(session: Session, chosen: Chosen, wanted: str, *, seeds: bool) -> tuple[Json, str]:
    from devstack.bring_up import in_words

    def may_pass(paths: tuple[str, ...]) -> bool:
        session.console.say(f"{', '.join(paths)}: edited after being applied")
        return session.console.ask("Leave them as they were applied, and go on?")

    run_tool = chosen.run_tool() if chosen.entry.tool else None
    wish = Wish(seeds=seeds, to=wanted, run_tool=run_tool, may_pass=may_pass, psql=chosen.psql)
    applied = run(chosen.target, chosen.files, wish=wish, on_file=narrated(session))
    data: Json = {
        "service": applied.service,
        "database": applied.database,
        "applied": [{"path": r.path, "kind": r.kind, "seconds": round(r.seconds, 3)} for r in applied.applied],
        "taken_back": [],
        "unchanged": applied.unchanged,
        "missing": list(applied.missing),
        "left": list(applied.left),
        "head": applied.head or None,
        "created_database": applied.created_database,
    }
    return data, f"{chosen.place}: {in_words(applied)}"


def _go_back(session: Session, chosen: Chosen, wanted: str, *, yes: bool) -> None:
    from devstack.database.down import plan_down, take_back

    plan = plan_down(chosen.target, chosen.files, wanted)
    _consent(session, chosen, plan, yes=yes)
    with chosen.telling():
        done = take_back(chosen.target, chosen.files, wanted, on_file=narrated(session), psql=chosen.psql)
    back: list[Json] = [{"path": r.path, "seconds": round(r.seconds, 3)} for r in done]
    data: Json = {
        "service": chosen.files.service,
        "database": chosen.files.database,
        "applied": [],
        "taken_back": back,
        "losses": list(plan.losses),
    }
    session.console.answer(
        {"project": session.stack.name, "databases": [data]},
        f"{chosen.place}: {len(done)} taken back; {wanted or 'nothing'} is the last one applied",
    )


def _consent(session: Session, chosen: Chosen, plan: TakeBack, *, yes: bool) -> None:
    console = session.console
    console.say(f"This takes back {counted(len(plan.paths), 'file')} of {chosen.place}, by their down blocks:")
    console.say(columns([[path] for path in plan.paths]))
    if plan.losses:
        console.say("Lost for good are:")
        console.say(columns([[loss] for loss in plan.losses]))
    if not yes and not console.ask(f"Take them back from {chosen.place}?"):
        raise Refused("nothing was changed", hints=["the same with --yes", "devstack db snapshot   (keeps a copy first)"])


def preview(session: Session, named: str | None, *, to: str, seeds: bool) -> None:
    """Show what an apply would do."""
    from devstack.database.preview import preview as look

    answers: list[Json] = []
    texts: list[str] = []
    chosen_ones = (only(session, named),) if to else databases(session, named)
    for chosen in chosen_ones:
        wanted = _to(chosen, to) if to else ""
        if to and _is_behind(chosen, wanted):
            data, text = _preview_back(chosen, wanted)
        else:
            found = look(chosen.target, chosen.files, Wish(seeds=seeds, to=wanted))
            planned: list[Json] = [
                {"path": p.path, "kind": p.kind, "state": p.state, "how": p.how, "why": p.why, "statements": p.statements}
                for p in found.planned
            ]
            data = {
                "service": chosen.files.service,
                "database": chosen.files.database,
                "would_apply": planned,
                "would_create_database": found.makes_database,
                "lock": found.holder or None,
            }
            rows = [[p.path, p.kind, p.state, p.how + (f": {p.why}" if p.why else "")] for p in found.planned]
            notes = ["  the database would be made"] if found.makes_database else []
            notes += [f"  being changed by {found.holder}"] if found.holder else []
            count = len(rows)
            head = f"{chosen.place}: {counted(count, 'file')} would be run" if count else f"{chosen.place}: nothing to do"
            text = "\n".join([head, *([columns(rows)] if rows else []), *notes])
        answers.append(data)
        texts.append(text)
    session.console.answer({"project": session.stack.name, "databases": answers}, "\n\n".join(texts))


def _preview_back(chosen: Chosen, wanted: str) -> tuple[Json, str]:
    from devstack.database.down import plan_down

    plan = plan_down(chosen.target, chosen.files, wanted)
    data: Json = {
        "service": chosen.files.service,
        "database": chosen.files.database,
        "would_take_back": list(plan.paths),
        "losses": list(plan.losses),
    }
    lines = [f"{chosen.place}: {len(plan.paths)} would be taken back", columns([[path] for path in plan.paths])]
    lines += ["  lost for good:", columns([[loss] for loss in plan.losses], indent="    ")] if plan.losses else []
    return data, "\n".join(lines)
