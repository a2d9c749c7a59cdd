r"""What a dump may do when it is loaded. The scanner has refused `\!`, `\connect` and the like; here it is the statements' turn.

A dump is somebody else's program. It is run as a role that owns an empty database and nothing more, so that what is overlooked here is
refused by the server. Statements about owners and extensions are taken out and done by devstack itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from devstack.database import mode
from devstack.database.script import Script, Segment, Statement
from devstack.errors import DevstackError, Where

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_EXTENSION = re.compile(
    rf"CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{_NAME})(?:\s+WITH)?(?:\s+SCHEMA\s+(?P<schema>{_NAME}))?\s*;?\s*\Z",
    re.IGNORECASE,
)
_SCHEMA = re.compile(rf"CREATE\s+SCHEMA\s+(?P<name>{_NAME})\s*;?\s*\Z", re.IGNORECASE)
_OWNER = re.compile(rf"ALTER\s+[^;']+?\s+OWNER\s+TO\s+{_NAME}\s*;?\s*\Z", re.IGNORECASE)
_ON_EXTENSION = re.compile(r"COMMENT\s+ON\s+EXTENSION\b", re.IGNORECASE)
_DEFAULTS = re.compile(r"ALTER\s+DEFAULT\s+PRIVILEGES\b", re.IGNORECASE)
_REFUSED = (
    (re.compile(r"(?:CREATE|ALTER|DROP)\s+(?:ROLE|GROUP|USER)\b(?!\s+MAPPING)", re.I), "changes the server's roles"),
    (re.compile(r"(?:CREATE|ALTER|DROP)\s+(?:DATABASE|TABLESPACE)\b|ALTER\s+SYSTEM\b", re.I), "changes the server"),
    (re.compile(r"COPY\b[^;]*?\b(?:FROM|TO)\s+PROGRAM\b", re.I | re.S), "runs a program on the server"),
    (re.compile(r"COPY\b[^;]*?\b(?:FROM|TO)\s+E?'", re.I | re.S), "reads or writes a file of the server"),
    (re.compile(r"SET\s+(?:LOCAL\s+|SESSION\s+)?(?:SESSION\s+AUTHORIZATION|ROLE)\b", re.I), "takes another role"),
    (re.compile(r"LOAD\b|CREATE\s+(?:SUBSCRIPTION|EVENT\s+TRIGGER)\b", re.I), "needs a superuser"),
)
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One that the dump wants. Names are as an identifier is written; `schema` "" is the usual one."""

    name: str
    schema: str
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A dump that may be run: the script without what devstack does itself, and that."""

    script: Script
    extensions: tuple[Extension, ...] = ()
    defaults: tuple[Statement, ...] = ()
    owners: int = 0


def screen(script: Script) -> Screened:
    """Take apart what a dump does. Raises DevstackError "load-refused" with every place of what it may not do."""
    statements = script.statements
    problems = [f"{statement.source.where(statement.head)} {why}" for statement in statements if (why := _why_refused(statement))]
    if problems:
        raise _refused(problems)
    extensions = [found for statement in statements if (found := _extension(statement))]
    made = {extension.schema for extension in extensions}
    owners = [s for s in statements if _OWNER.match(s.text)]
    defaults = [s for s in statements if _DEFAULTS.match(s.text)]
    ours = [s for s in statements if _extension(s) or _ON_EXTENSION.match(s.text) or _makes(s, {*made, "public"})]
    items = mode.without(script.items, [*owners, *defaults, *ours])
    return Screened(
        script=replace(script, items=items),
        extensions=tuple(extensions),
        defaults=tuple(defaults),
        owners=len(owners),
    )


def segments(script: Script) -> Sequence[Segment]:
    """What is sent, in order: whole stretches, or single statements where some cannot run in one message with others."""
    if script.transactional:
        return script.segments
    return [segment.alone(statement) for segment in script.segments for statement in segment.statements]


def _why_refused(statement: Statement) -> str:
    text = statement.text[:2000]
    return next((why for pattern, why in _REFUSED if pattern.match(text)), "")


def _extension(statement: Statement) -> Extension | None:
    found = _EXTENSION.match(statement.text)
    if found is None:
        return None
    return Extension(name=found["name"], schema=found["schema"] or "", where=statement.source.where(statement.head))


def _makes(statement: Statement, schemas: set[str]) -> bool:
    found = _SCHEMA.match(statement.text)
    return found is not None and found["name"] in schemas


def _refused(problems: Sequence[str]) -> DevstackError:
    more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    return DevstackError(
        "the dump does what loading one must not do",
        details=[("refused", "\n".join([*problems[:_SHOWN], *more])), ("so far", "nothing was loaded")],
        hints=["dump one database without roles: devstack db dump, or pg_dump without --create"],
        code="load-refused",
    )
