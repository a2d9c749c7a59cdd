"""Which statements cannot run inside a transaction, which begin or end one, and which change what the session is like."""

from __future__ import annotations

import re

from devstack.database import source
from devstack.database.script import Special, Statement

_WORD = re.compile(r"[^\W\d][\w$]*")
_NOT_IN_TRANSACTION = re.compile(
    r"(?:create|drop) (?:database|tablespace)\b|(?:create|alter|drop) subscription\b|alter system\b"
    r"|create (?:unique )?index concurrently\b|drop index concurrently\b"
    r"|reindex (?:\([^)]*\) ?)?(?:database|schema|system|\w+ concurrently)\b|reindex \([^)]*\bconcurrently\b"
    r"|vacuum\b|discard all\b|alter database \S+ set tablespace\b|cluster(?: ?\([^)]*\)| verbose)?$"
    r"|alter table .* detach partition .* (?:concurrently|finalize)$"
)
_CONTROL = re.compile(
    r"(?:begin|start transaction|end|abort)\b|commit\b|rollback(?! (?:(?:work|transaction) )?to\b)|prepare transaction\b"
)
_HINT_OF_SPECIAL = re.compile(r"concurrently|database|tablespace|subscription|system|detach", re.IGNORECASE)
_MAYBE_SPECIAL = {
    "create", "drop", "alter", "reindex", "vacuum", "discard", "cluster", "begin", "start", "end", "abort", "commit", "rollback",
    "prepare",
}  # fmt: skip
_PLAIN_BEGIN = ("begin", "begin work", "begin transaction", "start transaction")
_PLAIN_COMMIT = ("commit", "commit work", "commit transaction", "end", "end work", "end transaction")
_COMMITS = re.compile(r"(?:commit|end)\b(?! prepared)")
_SETTING = re.compile(
    r"set\s+(?:session\s+|local\s+)?(?P<name>standard_conforming_strings|client_encoding)\s*(?:=|\bto\b)\s*'?(?P<value>[\w-]+)"
    r"|set\s+(?P<names>names)\s+'?(?P<encoding>[\w-]+)"
    r"|select\s+(?:pg_catalog\s*\.\s*)?set_config\s*\(\s*'(?P<config>standard_conforming_strings|client_encoding)'\s*,\s*'(?P<to>[\w-]+)'",
    re.IGNORECASE,
)
_SESSION = re.compile(
    r"(?:set(?!\s+(?:local|transaction|constraints)\b)|reset|listen|unlisten|prepare(?!\s+transaction)|load)\b"
    r"|select\s+(?:pg_catalog\s*\.\s*)?set_config\s*\([^;]*,\s*false\s*\)",
    re.IGNORECASE,
)
_MAY_COMMIT = re.compile(r"(?:call|do|commit\s+prepared|rollback\s+prepared)\b", re.IGNORECASE)


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


def first_words(statement: Statement) -> str:
    """The statement's first words in lower case, for messages and comparison."""
    plain = source.without_comments(statement.source.text[statement.head : min(statement.end, statement.head + 200)])
    return " ".join(plain.lower().rstrip("; ").split()[:4])


def is_plain_begin(statement: Statement) -> bool:
    return first_words(statement) in _PLAIN_BEGIN


def is_plain_commit(statement: Statement) -> bool:
    return first_words(statement) in _PLAIN_COMMIT


def commits(statement: Statement) -> bool:
    """Whether it ends a transaction for good."""
    return statement.special == "control" and _COMMITS.match(first_words(statement)) is not None


def reading_setting(text: str, head: int, end: int) -> tuple[str, str] | None:
    """(name, value) when the statement sets how the server reads what comes after it in the same message."""
    if text[head : head + 1] not in ("s", "S"):
        return None
    found = _SETTING.match(text, head, end)
    if found is None:
        return None
    if found["names"]:
        return "client_encoding", found["encoding"].lower()
    return (found["name"] or found["config"]).lower(), (found["value"] or found["to"]).lower()


def is_of_the_session(statement: Statement) -> bool:
    """Whether it only changes the session, so that a run which goes on after it needs it again."""
    return _SESSION.match(statement.source.text, statement.head, statement.end) is not None


def may_commit(statement: Statement) -> bool:
    """Whether it can end a transaction from inside: a procedure or a DO block may say COMMIT where it runs on its own."""
    return _MAY_COMMIT.match(statement.source.text, statement.head, statement.end) is not None
