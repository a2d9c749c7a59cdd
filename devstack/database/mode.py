r"""How a script is run: what its header says, and what its statements force."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from devstack.database import statements
from devstack.database.script import Connect, Edit, Item, Segment, Statement
from devstack.database.source import Source
from devstack.errors import Problem

_HEADER = re.compile(r"^--\s*devstack:(?!\s*(?:up|down)\s*$)(.*)$")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min|h)?")
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, None: 1.0}
_KNOWN = "known: transaction=file|none, engine=native|psql, timeout=10min, lock_timeout=5s"


@dataclass(frozen=True, slots=True)
class Header:
    """`-- devstack: key=value ...` in the comment lines on top. Times are seconds."""

    transaction: Literal["file", "none"] | None = None
    engine: Literal["native", "psql"] | None = None
    timeout: float | None = None
    lock_timeout: float | None = None


def header(source: Source, problems: list[Problem]) -> Header:
    """What stands on top of a file; words that mean nothing become problems."""
    found = Header()
    offset = 0
    while offset < len(source.text):
        end = source.text.find("\n", offset) + 1 or len(source.text)
        line = source.text[offset:end]
        if line.strip() and not line.startswith("--"):
            break
        said = _HEADER.match(line.rstrip())
        for word in said.group(1).split() if said else ():
            setting = _setting(word)
            if setting is None:
                place = offset + line.index(word)
                problems.append(
                    Problem(source.where(place), f'unknown setting "{word}"', hint=_KNOWN, excerpt=source.excerpt(place))
                )
            else:
                found = replace(found, **setting)  # type: ignore[arg-type]
        offset = end
    return found


def _setting(word: str) -> dict[str, object] | None:
    key, _, value = word.partition("=")
    if (key, value) in (("transaction", "file"), ("transaction", "none"), ("engine", "native"), ("engine", "psql")):
        return {key: value}
    duration = _DURATION.fullmatch(value) if key in ("timeout", "lock_timeout") else None
    return {key: float(duration.group(1)) * _UNITS[duration.group(2)]} if duration else None


def why_not_one_transaction(items: Sequence[Item]) -> str:
    """Why these cannot run as one transaction; "" when they can."""
    for item in items:
        if isinstance(item, Connect):
            return f"\\connect at {item.source.where(item.position)}"
        if isinstance(item, Segment):
            for statement in item.statements:
                if statement.special:
                    return _why(statement)[0]
    return ""


def _why(statement: Statement) -> tuple[str, str]:
    words = statements.first_words(statement).upper()
    where = statement.source.where(statement.head)
    if statement.special == "control":
        return f"its own {words.split()[0]} at {where}", "remove it; BEGIN first and COMMIT last are fine"
    return f"{words} at {where} cannot run inside a transaction", "put it in a file of its own"


def refusals(items: Sequence[Item]) -> list[Problem]:
    """The problems of a file that asks for one transaction and has statements that end or refuse it."""
    found = []
    for item in items:
        for statement in item.statements if isinstance(item, Segment) else ():
            if statement.special:
                why, hint = _why(statement)
                place = statement.source.where(statement.head)
                message = why.replace(f" at {place}", "") + (
                    " in a file with transaction=file" if statement.special == "control" else ""
                )
                found.append(Problem(place, message, hint=hint, excerpt=statement.source.excerpt(statement.head)))
        if isinstance(item, Connect):
            place = item.source.where(item.position)
            message = "\\connect in a file with transaction=file"
            found.append(Problem(place, message, hint="drop the setting", excerpt=item.source.excerpt(item.position)))
    return found


def own_frame(items: Sequence[Item]) -> tuple[Statement, ...]:
    """A file's own BEGIN and COMMIT when they are its first and last statement and nothing else ends a transaction; else ()."""
    every = [statement for item in items if isinstance(item, Segment) for statement in item.statements]
    controls = [statement for statement in every if statement.special == "control"]
    if len(controls) != 2 or controls[0] is not every[0] or controls[1] is not every[-1]:
        return ()
    framed = statements.is_plain_begin(controls[0]) and statements.is_plain_commit(controls[1])
    return tuple(controls) if framed else ()


def without(items: Sequence[Item], dropped: Sequence[Statement]) -> tuple[Item, ...]:
    """The items without these statements; nothing is sent in their place, so every offset stays true."""
    if not dropped:
        return tuple(items)
    kept: list[Item] = []
    for item in items:
        if not isinstance(item, Segment) or not any(statement in dropped for statement in item.statements):
            kept.append(item)
            continue
        left = tuple(statement for statement in item.statements if statement not in dropped)
        gone = [Edit(statement.head, statement.end, "") for statement in item.statements if statement in dropped]
        if left:
            edits = tuple(sorted([*item.edits, *gone], key=lambda edit: edit.start))
            kept.append(replace(item, statements=left, edits=edits))
    return tuple(kept)
