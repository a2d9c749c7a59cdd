"""Files that were edited after they were applied: the difference, shown, and the refusal."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from devstack.database import ledger, scanner, source
from devstack.database.connection import Connection
from devstack.database.environment import Environment
from devstack.database.files import Item, SchemaFiles
from devstack.database.script import Script
from devstack.database.states import FileState
from devstack.errors import DevstackError

_DIFF_LINES = 60


def diff_of(connection: Connection, item: Item) -> str:
    """How a file differs from what was applied; "" when the ledger did not keep that."""
    before = ledger.body(connection, item.path)
    return "" if before is None else diff(item.path, before, source.decode(item.data, item.path))


def diff(path: str, before: str, now: str, *, limit: int = _DIFF_LINES) -> str:
    """A unified diff, at most `limit` lines of it."""
    lines = list(
        difflib.unified_diff(before.splitlines(), now.splitlines(), f"{path} (applied)", f"{path} (now)", lineterm="", n=2)
    )
    if len(lines) > limit:
        lines = [*lines[:limit], f"… {len(lines) - limit} more lines"]
    return "\n".join(lines)


def edited(connection: Connection, files: SchemaFiles, items: Mapping[str, Item], found: Sequence[FileState]) -> DevstackError:
    """The refusal to go on with files that were edited."""
    names = ", ".join(state.path for state in found)
    details = []
    for state in found:
        text = f"applied  {state.applied_checksum}\nnow      {state.checksum}"
        shown = diff_of(connection, items[state.path])
        details.append((state.path, f"{text}\n{shown}" if shown else text))
    details.append(("state", f"nothing was applied to {files.place}"))
    return DevstackError(
        f"{names} {'was' if len(found) == 1 else 'were'} edited after being applied to {files.place}",
        details=details,
        hints=[
            "undo the edit, and put the change into a new file",
            f"or, where the database has the change already: devstack schema repair {found[0].path}",
            "or, where the data does not matter: devstack reset",
        ],
        code="schema-edited",
    )


def out_of_order(files: SchemaFiles, found: Sequence[FileState]) -> DevstackError:
    """The refusal to apply files that sort before applied ones."""
    one = len(found) == 1
    return DevstackError(
        f"{', '.join(state.path for state in found)} {'sorts' if one else 'sort'} before files that are applied to {files.place}",
        details=[("state", f"nothing was applied to {files.place}")],
        hints=[
            f"give {'it' if one else 'them'} a name that sorts last",
            "or allow it: `out_of_order: apply` under schema: in devstack.yml",
        ],
        code="schema-out-of-order",
    )


def check_resume(connection: Connection, parsed: Script, path: str, environment: Environment) -> None:
    """A half-run file goes on where it stopped, so what has run must still stand in it unchanged."""
    row = ledger.read(connection).get(path)
    if row is None or not row.done:
        return
    before = ledger.body(connection, path)
    if before is None:
        return
    old = scanner.parse(before.encode(), path, environment=environment)
    ran = [source.without_comments(old.slice(statement)) for statement in old.statements[: row.done]]
    now = [source.without_comments(parsed.slice(statement)) for statement in parsed.statements[: row.done]]
    if ran != now:
        raise DevstackError(
            f"{path}: one of its first {row.done} statements was edited, and those have run already",
            hints=["put them back as they were and change only what comes after, or: devstack reset"],
            code="schema-edited",
        )
