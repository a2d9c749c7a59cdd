"""Functions that a script makes itself: where in the file the line of one stands that the server names."""

from __future__ import annotations

import re

from devstack.database.script import Script
from devstack.errors import Where

_RAISED_IN = re.compile(r'PL/pgSQL function (?:[\w$]+\.|"[^"]+"\.)?(?P<name>[\w$]+|"[^"]+")\([^\n]*\) line (?P<line>\d+)')
_MAKES = re.compile(
    r'create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+(?:(?:[\w$]+|"[^"]+")\s*\.\s*)?(?P<name>[\w$]+|"[^"]+")', re.IGNORECASE
)
_INDENT = re.compile(r"[ \t]*")
_QUOTE = re.compile(r"\$(?:[^\W\d]\w*)?\$|'")


def place_in_function(script: Script, context: str) -> Where | None:
    """The place of the innermost PL/pgSQL line in the context, when the script makes that function."""
    said = _RAISED_IN.search(context)
    if said is None:
        return None
    name = said["name"].strip('"')
    for statement in reversed(script.statements):
        text = statement.source.text
        made = _MAKES.match(text, statement.head, statement.end)
        if made is None or _plain(made["name"]) != name:
            continue
        body = _QUOTE.search(text, made.end(), statement.end)
        if body is None:
            return None
        first = statement.source.where(body.end()).line or 1
        line = first + int(said["line"]) - 1
        indent = _INDENT.match(text, statement.source.at(line))
        return Where(statement.source.name, line, len(indent.group()) + 1 if indent else 1)
    return None


def _plain(name: str) -> str:
    return name.strip('"') if name.startswith('"') else name.lower()
