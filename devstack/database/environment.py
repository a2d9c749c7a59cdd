r"""What a script may reach besides its own text: files of the project, variables, other databases of the server, psql itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from devstack.database.connection import Connection
    from devstack.database.psql_engine import Psql


def _unheard(text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    r"""What scripts of one database may use. A default refuses what it stands for.

    `root` is the project's folder, where \i looks and which no include leaves. `variables` are psql's, by name. `open_database` gives
    a session with another database of the server, for \connect; it is closed at the file's end. `psql` runs what only psql can.
    `say` is told what \echo prints. `transaction` is how files run whose header does not say: "none" statement by statement.
    """

    root: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    open_database: Callable[[str], Connection] | None = None
    psql: Psql | None = None
    say: Callable[[str], None] = _unheard
    transaction: Literal["file", "none"] = "file"
