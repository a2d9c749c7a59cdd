"""Which statements cannot run inside the transaction a file gets, and which would end it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from devstack.database import source
from devstack.database.script import Segment, Special, Statement

_WORD = re.compile(r"[^\W\d][\w$]*")
_NOT_IN_TRANSACTION = re.compile(
    r"(?:create|drop) (?:database|tablespace)\b|(?:create|alter|drop) subscription\b|alter system\b"
    r"|create (?:unique )?index concurrently\b|drop index concurrently\b"
    r"|reindex (?:\([^)]*\) ?)?(?:database|schema|system|\w+ concurrently)\b|reindex \([^)]*\bconcurrently\b"
    r"|vacuum\b|discard all\b|alter database \S+ set tablespace\b|cluster ?;?$"
    r"|alter table .* detach partition .* (?:concurrently|finalize) ?;?$"
)
_CONTROL = re.compile(
    r"(?:begin|start transaction|end|abort)\b|commit\b|rollback(?! (?:(?:work|transaction) )?to\b)|prepare transaction\b"
)
_HINT_OF_SPECIAL = re.compile(r"concurrently|database|tablespace|subscription|system|detach", re.IGNORECASE)
_MAYBE_SPECIAL = {
    "create", "drop", "alter", "reindex", "vacuum", "discard", "cluster", "begin", "start", "end", "abort", "commit", "rollback",
    "prepare",
}  # fmt: skip
_OPENING = ("begin", "begin work", "begin transaction", "start transaction")
_CLOSING = ("commit", "commit work", "commit transaction", "end", "end work", "end transaction")


def special(text: str, head: int, end: int) -> Special:
    """Whether the statement from `head` to `end` can be part of a transaction like any other."""
    word = _WORD.match(text, head)
    first = word.group().lower() if word is not None else ""
    if first not in _MAYBE_SPECIAL:
        return ""
    if first in ("create", "alter", "drop") and not _HINT_OF_SPECIAL.search(text, head, min(end, head + 1000)):
        return ""
    plain = source.without_comments(text[head : min(end, head + 4000)]).lower().rstrip("; ")
    if _NOT_IN_TRANSACTION.match(plain):
        return "not-in-transaction"
    return "control" if _CONTROL.match(plain) else ""


def own_frame(text: str, segments: Sequence[Segment]) -> tuple[Statement, ...]:
    """A file's own BEGIN and COMMIT when they are its first and last statement and nothing else ends a transaction; else ()."""
    statements = [statement for segment in segments for statement in segment.statements]
    controls = [statement for statement in statements if statement.special == "control"]
    if len(controls) != 2 or controls[0] is not statements[0] or controls[1] is not statements[-1]:
        return ()
    framed = first_words(text, controls[0]) in _OPENING and first_words(text, controls[1]) in _CLOSING
    return tuple(controls) if framed else ()


def without(text: str, segments: Sequence[Segment], dropped: Sequence[Statement]) -> tuple[str, tuple[Segment, ...]]:
    """Text and segments without these statements, which become blanks so that every offset stays true."""
    for statement in dropped:
        blank = re.sub(r"\S", " ", text[statement.head : statement.end])
        text = text[: statement.head] + blank + text[statement.end :]
    kept = []
    for segment in segments:
        statements = tuple(statement for statement in segment.statements if statement not in dropped)
        if statements:
            kept.append(Segment(segment.start, segment.end, statements, segment.copy))
    return text, tuple(kept)


def first_words(text: str, statement: Statement) -> str:
    """The statement's first words in lower case, for messages and comparison."""
    plain = source.without_comments(text[statement.head : min(statement.end, statement.head + 200)])
    return " ".join(plain.lower().rstrip("; ").split()[:4])


def control_problem(words: str, transactional: bool) -> tuple[str, str]:
    said = words.split()[0].upper() if words else ""
    if transactional:
        return (
            f"{said}: devstack wraps each file in a transaction, which this would end or nest",
            "remove it; BEGIN first and COMMIT last are fine; or split the file",
        )
    return f"{said}: a file with transaction=none runs statement by statement, each on its own", "remove it, or drop the setting"


def not_in_transaction_problem(words: str) -> tuple[str, str]:
    return (
        f"{words.upper()} cannot run inside a transaction, and devstack runs each file in one",
        'put it in a file of its own that starts with "-- devstack: transaction=none"',
    )
