"""What a database that devstack keeps beside the live ones is: a line of JSON in its COMMENT.

The comment travels with the database through every RENAME, and is there for whoever looks with `\\l+`.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Literal

Kind = Literal["template", "snapshot", "aside", "branch"]

WORK = "devstack_work_"
"""What the names of databases begin with that are only being made. Whoever holds the project's lock may drop them."""
_NAME_BYTES = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """`of` is the live database this is, or was, a copy of; `when` Unix seconds; `server` its version as a number (170002).

    `name`: a snapshot's name, a branch, the command that put an aside one aside. `key`: the schema key. `commit`: of git, short.
    `comment` is the comment that the database had before it was put here, and gets back with its name.
    """

    kind: Kind
    of: str
    name: str
    project: str
    when: float
    server: int
    key: str = ""
    commit: str = ""
    comment: str | None = None

    @property
    def major(self) -> int:
        return self.server // 10000

    def encode(self) -> str:
        return json.dumps({"devstack": 1, **asdict(self)}, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A database of a server: its mark (None: not one of ours), and its size in bytes where that was asked for."""

    database: str
    mark: Mark | None
    size: int | None = None


def decode(comment: str | None) -> Mark | None:
    """The mark in a comment; None for a comment that is somebody else's."""
    if not comment or not comment.startswith('{"devstack"'):
        return None
    try:
        body = json.loads(comment)
        return Mark(**{key: value for key, value in body.items() if key in Mark.__slots__})
    except (ValueError, TypeError):
        return None


def template_name(key: str) -> str:
    return f"devstack_tpl_{key[:12]}"


def snapshot_name(of: str, name: str) -> str:
    return _joined(of, "__snap_", name)


def aside_name(of: str, when: float) -> str:
    return _joined(of, "__undo_", f"{int(when * 1000):x}")


def branch_name(of: str, branch: str) -> str:
    import hashlib

    return _joined(of, "__branch_", f"{branch}_{hashlib.sha256(branch.encode()).hexdigest()[:6]}", keep=7)


def _joined(of: str, between: str, name: str, *, keep: int = 0) -> str:
    """Both names in one that the server does not cut, `name` made plain; the last `keep` letters of it always stay."""
    plain = re.sub(r"[^a-z0-9_]", "_", name.lower())
    room = _NAME_BYTES - len(between)
    head = plain[: len(plain) - keep][: 30 - keep] + plain[len(plain) - keep :] if keep else plain[:30]
    cut = of.encode()[: room - len(head)].decode(errors="ignore")
    return f"{cut}{between}{head}"
