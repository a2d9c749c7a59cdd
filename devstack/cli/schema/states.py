"""How the states of files are shown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from devstack.cli.console import columns
from devstack.cli.schema.choosing import Chosen, databases
from devstack.cli.session import Session
from devstack.compose.model import Json
from devstack.database.schema import CLEAN, FileState

if TYPE_CHECKING:
    from devstack.bring_up.tool import Ended

FEW = 30
"""So many files are listed one by one; of more, those about which something is to be done."""


def show(session: Session, named: str | None, *, everything: bool) -> bool:
    """Answer with the state of each database; whether all is as it should be."""
    answers: list[Json] = []
    texts: list[str] = []
    good = True
    for chosen in databases(session, named):
        data, text, clean = _look(chosen, everything=everything)
        answers.append(data)
        texts.append(text)
        good &= clean
    session.console.answer({"project": session.stack.name, "clean": good, "databases": answers}, "\n\n".join(texts))
    return good


def _look(chosen: Chosen, *, everything: bool) -> tuple[Json, str, bool]:
    from devstack.database import files as on_disk
    from devstack.database import ledger
    from devstack.database.apply import APPLICATION
    from devstack.database.connection import connect
    from devstack.database.edits import diff_of
    from devstack.database.outcome import DatabaseMissing
    from devstack.database.states import compare

    items = on_disk.read(chosen.files)
    diffs: dict[str, str] = {}
    try:
        with connect(chosen.target, application_name=APPLICATION, read_only=True) as connection:
            found = compare(chosen.files, items, ledger.read(connection))
            changed = [state.path for state in found if state.state == "edited" and items[state.path].is_sql]
            diffs = {path: diff_of(connection, items[path]) for path in changed}
            holder = ledger.holder(connection)
    except DatabaseMissing:
        found, holder = compare(chosen.files, items, {}), ""
    tool = _ask_tool(chosen)
    clean = all(state.state in CLEAN for state in found if tool is None or state.kind != "external")
    clean &= tool is None or tool.code == 0
    return _as_json(chosen, found, diffs, tool, holder, clean), _text(chosen, found, diffs, tool, holder, everything), clean


def _ask_tool(chosen: Chosen) -> Ended | None:
    """What the project's own tool says; None where there is no tool, or none that says."""
    if chosen.entry.tool is None:
        return None
    tool = chosen.tool()
    return tool.run("status") if tool.command("status") else None


def _as_json(
    chosen: Chosen, found: tuple[FileState, ...], diffs: dict[str, str], tool: Ended | None, holder: str, clean: bool
) -> Json:
    rows: list[Json] = [
        {
            "path": state.path,
            "kind": state.kind,
            "state": state.state,
            "note": state.note,
            "checksum": state.checksum,
            "applied_checksum": state.applied_checksum,
            "head": state.head or None,
            "diff": diffs.get(state.path),
        }
        for state in found
    ]
    counts: dict[str, Json] = dict(Counter(state.state for state in found))
    said: Json = None
    if tool is not None and chosen.entry.tool is not None:
        said = {"name": chosen.entry.tool.name, "command": list(tool.words), "exit": tool.code, "output": list(tool.lines)}
    files = chosen.files
    return {
        "service": files.service,
        "database": files.database,
        "clean": clean,
        "counts": counts,
        "files": rows,
        "tool": said,
        "lock": holder or None,
    }


def _text(
    chosen: Chosen, found: tuple[FileState, ...], diffs: dict[str, str], tool: Ended | None, holder: str, everything: bool
) -> str:
    counts = Counter(state.state for state in found)
    summary = ", ".join(f"{number} {name}" for name, number in counts.items()) or "no files"
    listed = [state for state in found if everything or len(found) <= FEW or state.state not in CLEAN]
    lines = [f"{chosen.place}: {summary}"]
    if listed:
        lines.append(columns([[_shown(state), state.kind, state.path, _note(state)] for state in listed]))
    if tool is not None and chosen.entry.tool is not None:
        verdict = "nothing pending" if tool.code == 0 else f"not up to date (exit {tool.code})"
        lines.append(f"  {chosen.entry.tool.name}: {verdict}")
        lines += [f"    | {line}" for line in tool.lines]
    lines += [f"\n{text}" for text in diffs.values() if text]
    if holder:
        lines.append(f"  being changed by {holder}")
    return "\n".join(lines)


def _shown(state: FileState) -> str:
    return "applied" if state.state == "external" else state.state


def _note(state: FileState) -> str:
    return "; ".join(part for part in (f"at {state.head}" if state.head else "", state.note) if part)
