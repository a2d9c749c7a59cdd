"""The schema step: which files a database has had, which it still needs, and applying those in order."""

from __future__ import annotations

from devstack.database import files as on_disk
from devstack.database import ledger
from devstack.database.apply import APPLICATION, Applied, FileResult, OnFile, Wish, apply
from devstack.database.connection import connect
from devstack.database.files import SchemaFiles, ToolKey
from devstack.database.outcome import DatabaseMissing
from devstack.database.states import CLEAN, TO_RUN, FileState, State, compare
from devstack.database.target import Target

__all__ = [
    "APPLICATION",
    "CLEAN",
    "TO_RUN",
    "Applied",
    "FileResult",
    "FileState",
    "OnFile",
    "SchemaFiles",
    "State",
    "ToolKey",
    "Wish",
    "apply",
    "status",
]


def status(target: Target, files: SchemaFiles, *, deadline: float | None = None) -> tuple[FileState, ...]:
    """Each file's state, then those the ledger knows and the files do not. A database that is not there has everything pending."""
    items = on_disk.read(files)
    try:
        with connect(target, application_name=APPLICATION, deadline=deadline) as connection:
            return compare(files, items, ledger.read(connection))
    except DatabaseMissing:
        return compare(files, items, {})
