"""The flows of `schema diff` and `schema lock`: facts against facts."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from devstack.cli.schema.choosing import Chosen, databases
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.database import files as on_disk
from devstack.database import ledger
from devstack.database.apply import APPLICATION
from devstack.database.connection import connect
from devstack.database.edits import diff_of
from devstack.database.fingerprint import fingerprint
from devstack.database.states import compare

HEADER = "# What the schema files make of an empty database, one fact a line. Written by: devstack schema lock"


def diff(session: Session, named: str | None) -> bool:
    """Answer with what differs; whether nothing does."""
    answers: list[Json] = []
    texts: list[str] = []
    same = True
    for chosen in databases(session, named):
        session.console.label("scratch", f"building {chosen.place} from nothing")
        fresh = set(chosen.fresh())
        running, edited = _running(chosen)
        missing, extra = sorted(fresh - running), sorted(running - fresh)
        drift = _drift(chosen)
        clean = not (missing or extra or edited) and (drift is None or drift["exit"] == 0)
        same &= clean
        data: dict[str, Json] = {
            "service": chosen.files.service,
            "database": chosen.files.database,
            "clean": clean,
            "missing": list(missing),
            "extra": list(extra),
            "edited": dict(edited),
            "drift": drift,
        }
        answers.append(data)
        texts.append(_text(chosen, missing, extra, edited, drift))
    session.console.answer({"project": session.stack.name, "clean": same, "databases": answers}, "\n\n".join(texts))
    return same


def _running(chosen: Chosen) -> tuple[set[str], dict[str, str]]:
    """The running database's facts, and how each file differs that was edited after it was applied."""
    items = on_disk.read(chosen.files)
    with connect(chosen.target, application_name=APPLICATION) as connection:
        found = compare(chosen.files, items, ledger.read(connection))
        edited = {s.path: diff_of(connection, items[s.path]) for s in found if s.state in ("edited", "edited-comments")}
        return set(fingerprint(connection)), edited


def _drift(chosen: Chosen) -> dict[str, Json] | None:
    """What the tool's own check says about models and schema."""
    if chosen.entry.tool is None or not chosen.tool().command("drift"):
        return None
    tool = chosen.tool()
    ended = tool.run("drift")
    return {"command": list(ended.words), "exit": ended.code, "output": list(ended.lines), "blind": tool.known.blind}


def _text(
    chosen: Chosen, missing: Sequence[str], extra: Sequence[str], edited: dict[str, str], drift: dict[str, Json] | None
) -> str:
    lines = []
    if missing or extra:
        lines.append(f"{chosen.place} differs from what its files make of an empty database:")
        lines += [f"- {fact}" for fact in missing]
        lines += [f"+ {fact}" for fact in extra]
        lines.append("(-: the files make it and the database lacks it; +: only the database has it)")
    else:
        lines.append(f"{chosen.place} is what its files make of an empty database")
    for path, text in edited.items():
        lines += ["", text or f"{path} was edited after it was applied; how, the ledger did not keep"]
    if drift is not None:
        output = drift["output"]
        lines += ["", f"{' '.join(map(str, _list(drift['command'])))}: exit {drift['exit']}"]
        lines += [f"  | {line}" for line in _list(output)]
        if drift["blind"]:
            lines.append(f"  (it does not see: {drift['blind']})")
    return "\n".join(lines)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def lock(session: Session, named: str | None, *, check: bool) -> bool:
    """Write the fingerprints, or compare them with what is written; whether they are up to date now."""
    answers: list[Json] = []
    texts: list[str] = []
    good = True
    for chosen in databases(session, named):
        file = chosen.lock_file
        name = session.relative(chosen.spec.root, file)
        session.console.label("scratch", f"building {chosen.place} from nothing")
        wanted = document(chosen.fresh())
        there = file.read_text(encoding="utf-8") if file.is_file() else None
        changes = _changes(name, there or "", wanted)
        if check:
            good &= there == wanted
            texts.append(f"{name} is up to date" if there == wanted else "\n".join(changes) or f"{name} is missing")
        elif there == wanted:
            texts.append(f"{name} is up to date")
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted, encoding="utf-8", newline="\n")
            texts.append(f"{name} written: {wanted.count(chr(10)) - 1} facts")
        facts: list[Json] = list(changes)
        answers.append({"file": name, "changed": there != wanted, "written": there != wanted and not check, "diff": facts})
    text = "\n".join(texts) + ("" if good else "\nnext: devstack schema lock")
    session.console.answer({"project": session.stack.name, "clean": good, "locks": answers}, text)
    return good


def document(facts: Sequence[str]) -> str:
    """The text of a lock file."""
    return "\n".join([HEADER, *facts, ""])


def _changes(name: str, before: str, now: str) -> list[str]:
    return list(difflib.unified_diff(before.splitlines(), now.splitlines(), name, f"{name} (from the files)", lineterm="", n=0))
