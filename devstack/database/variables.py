"""psql's variables in SQL: :name, :'name', :"name" and :{?name}, filled in where they are known, as psql does."""

from __future__ import annotations

import re
from collections.abc import Mapping

COLON = r"""::|:=|:'\w+'|:"\w+"|:\{\?\w+\}|:\w+"""
"""What starts with a colon; a regular expression for a scanner. Casts and assignments are among it so that they are stepped over."""
_NAME = re.compile(r"\w+")
_HARMLESS = re.compile(r"""(?:[\w\s.,=<>+*%@|&!^~#\[\]/-]|'[^'\\]*'|"[^"]*"|\((?:[^()'"$;:\\]|'[^'\\]*')*\))*""")


def reference(token: str, variables: Mapping[str, str]) -> str | None:
    """What stands for a token in SQL; None when it is no variable that is known."""
    found = _NAME.search(token)
    if found is None or token.startswith(("::", ":=")):
        return None
    name = found.group()
    if token.startswith(":{?"):
        return "TRUE" if name in variables else "FALSE"
    value = variables.get(name)
    if value is None:
        return None
    if token.startswith(":'"):
        return literal(value)
    return identifier(value) if token.startswith(':"') else value


def literal(value: str) -> str:
    """The value as an SQL string."""
    quoted = value.replace("'", "''")
    return " E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in quoted else f"'{quoted}'"


def identifier(value: str) -> str:
    """The value as an SQL name."""
    return '"' + value.replace('"', '""') + '"'


def is_harmless(value: str) -> bool:
    """Whether a value put into SQL as it is can neither end a statement nor open a quote or a comment."""
    return _HARMLESS.fullmatch(value) is not None and "--" not in value and "/*" not in value


def mentions(text: str, variables: Mapping[str, str]) -> bool:
    """Whether the text may refer to one of the variables: a quick look that spares most files the slow one."""
    names = "|".join(map(re.escape, variables))
    return bool(names) and re.search(rf":(?:['\"]|\{{\?)?(?:{names})", text) is not None
