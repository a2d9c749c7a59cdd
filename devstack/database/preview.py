"""What an apply would do, without doing any of it."""

from __future__ import annotations

from dataclasses import dataclass

from devstack.database import files as on_disk
from devstack.database import ledger
from devstack.database.apply import APPLICATION, Step, Wish
from devstack.database.connection import connect
from devstack.database.files import SchemaFiles
from devstack.database.outcome import DatabaseMissing
from devstack.database.script import Script
from devstack.database.states import FileState, compare
from devstack.database.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One file that would be run. `how` says in a few words in which way, `why` why not in one transaction ("" when it is)."""

    path: str
    kind: str
    state: str
    how: str
    why: str = ""
    statements: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would be run, in order; who holds the lock now ("": nobody); whether the database would have to be made."""

    planned: tuple[Planned, ...]
    holder: str = ""
    makes_database: bool = False


def preview(target: Target, files: SchemaFiles, wish: Wish, *, deadline: float | None = None) -> Preview:
    """What `apply` would do now. Raises what it would raise before it runs anything: edited files, files that cannot be read."""
    items = on_disk.read(files)
    try:
        connection = connect(target, application_name=APPLICATION, deadline=deadline, read_only=True)
    except DatabaseMissing:
        states = compare(files, items, {})
        kept = [state for state in states if wish.seeds or state.kind != "seed"]
        return Preview(planned=tuple(_planned(state, None) for state in kept), makes_database=True)
    with connection:
        step = Step(connection, files, items, wish, lambda path, state, text="": None, "")
        step.look()
        states_by_path = {state.path: state for state in step.states}
        todo = [items[path] for path in step.pending]
        scripts = [step.read(item) for item in todo]
        on_disk.raise_problems(scripts)
        planned = tuple(
            _planned(states_by_path[item.path], found if isinstance(found, Script) else None)
            for item, found in zip(todo, scripts, strict=True)
        )
        return Preview(planned=planned, holder=ledger.holder(connection))


def _planned(state: FileState, script: Script | None) -> Planned:
    how = {"external": "by the tool", "seed": "in one transaction"}.get(state.kind, "in one transaction")
    why = ""
    count = 0
    if script is not None:
        count = len(script.statements)
        if script.engine == "psql":
            how = "by psql in the database's container"
        elif not script.transactional:
            how = "statement by statement"
        why = script.why
    note = f"{state.state}: {state.note}" if state.note else state.state
    return Planned(path=state.path, kind=state.kind, state=note, how=how, why=why, statements=count)
