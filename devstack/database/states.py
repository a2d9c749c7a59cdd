"""The files as they are against the ledger: what is applied, pending, edited, missing, out of order, or stopped half-way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from devstack.database import ledger, source
from devstack.database.files import Item, SchemaFiles
from devstack.database.tokens import tokens_checksum
from devstack.errors import SpecError

State = Literal["applied", "pending", "out-of-order", "edited", "edited-comments", "missing", "failed", "baseline", "external"]
TO_RUN = ("pending", "out-of-order", "failed")
CLEAN = ("applied", "baseline", "external", "edited-comments")
"""The states in which nothing needs to be done about a file."""


@dataclass(frozen=True, slots=True)
class FileState:
    """One file against the ledger. `checksum` is of the file as it is ("" when missing), `applied_checksum` as it was applied.

    `head` is where the project's own tool left the database.
    """

    path: str
    state: State
    checksum: str = ""
    applied_checksum: str = ""
    note: str = ""
    kind: str = "versioned"
    head: str = ""


def compare(files: SchemaFiles, items: Mapping[str, Item], rows: Mapping[str, ledger.Row]) -> tuple[FileState, ...]:
    """Each file's state in order, then those that the ledger knows and the files do not."""
    applied = [item.position for item in items.values() if item.kind == "versioned" and item.path in rows]
    last = max(applied, default=-1)
    states = [_state(files, item, rows.get(item.path), last) for item in items.values()]
    gone = [
        FileState(path, "missing", "", row.checksum, "applied before; the file is gone or no longer listed", row.kind)
        for path, row in rows.items()
        if path not in items and row.kind != "external"
    ]
    return tuple(states + gone)


def _state(files: SchemaFiles, item: Item, row: ledger.Row | None, last: int) -> FileState:
    if row is None and item.kind == "versioned" and item.position < last:
        return FileState(item.path, "out-of-order", item.checksum, "", "sorts before files that are applied", item.kind)
    if row is None:
        return FileState(item.path, "pending", item.checksum, kind=item.kind)
    if row.state != "applied":
        done = f"stopped after {row.done or 0}" + (f" of {row.statements} statements" if row.statements else " statements")
        note = f"{done}: {row.error or 'interrupted'}"
        return FileState(item.path, "failed", item.checksum, row.checksum, note, item.kind)
    if item.kind == "external":
        return _tool(item, row)
    if row.checksum == item.checksum:
        state: State = "baseline" if row.kind == "baseline" else "applied"
        return FileState(item.path, state, item.checksum, row.checksum, kind=item.kind)
    return _changed(files, item, row)


def _tool(item: Item, row: ledger.Row) -> FileState:
    head = row.head or ""
    known = bool(item.checksum) and row.checksum == item.checksum
    note = (
        "" if known else "its files or its image changed" if item.checksum and row.checksum else "run each time: it has no `files`"
    )
    return FileState(item.path, "external" if known else "pending", item.checksum, row.checksum, note, item.kind, head)


def _changed(files: SchemaFiles, item: Item, row: ledger.Row) -> FileState:
    """A file whose content is another than when it was applied."""
    if row.tokens is not None and row.tokens == _tokens(item):
        return FileState(
            item.path, "edited-comments", item.checksum, row.checksum, "only comments, blanks or its way back differ", item.kind
        )
    if item.kind == "seed" and not files.reseed:
        note = "changed since it was sown; `reseed: true` would run it again"
        return FileState(item.path, "applied", item.checksum, row.checksum, note, item.kind)
    if item.kind != "versioned":
        return FileState(item.path, "pending", item.checksum, row.checksum, "changed since it was applied", item.kind)
    return FileState(item.path, "edited", item.checksum, row.checksum, kind=item.kind)


_READ_FOR_COMMENTS = 4_000_000


def tokens_of(item: Item) -> str | None:
    """The checksum of what is run, comments and blanks aside; None for what is no SQL. Raises SpecError for what is no text.

    None too for a file that is large as only dumps are: reading it for its comments would take longer than to run it.
    """
    if len(item.up) > _READ_FOR_COMMENTS:
        return None
    return tokens_checksum(source.decode(item.up, item.path)) if item.is_sql else None


def _tokens(item: Item) -> str:
    try:
        return tokens_of(item) or ""
    except SpecError:
        return ""  # it cannot be read as text any more; running it would say so
