"""Passwords that are written out in the words of a command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

_OPTION = r"-{1,2}(?!-|no-)(?:[\w-]+-)?(?:(?:require|user|root)?pass(?:word|wd|phrase)?|masterauth|secret|token|api-?key)"
_OPTION_ALONE = re.compile(_OPTION, re.IGNORECASE)
_VALUE = r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"']+)"
_PASSWORDS = (
    re.compile(rf"(?:^|(?<=[\s\"']))(?:{_OPTION}|(?:redis|valkey)-cli\b[^|;&]*?\s-a)(?:=|\s+){_VALUE}", re.IGNORECASE),
    re.compile(rf"(?:^|(?<=[\s\"']))(?:PGPASSWORD|MYSQL_PWD|REDISCLI_AUTH)={_VALUE}"),
)
_NO_PASSWORD = re.compile(r"[-$/].*|true|false|\d{1,3}|\*+", re.IGNORECASE)
"""What stands behind such an option and is none: another option, a variable of the shell, a path, a switch."""


def value_of(option: str, words: Sequence[str]) -> str | None:
    """What a command gives an option, as a word of its own, behind "=", or inside a shell's line; None when it does not say the option."""
    for word, next_word in pairwise(words):
        if word == option:
            return next_word
    found = re.search(rf"(?:^|(?<=[\s\"'])){re.escape(option)}(?:=|\s+){_VALUE}", " ".join(words))
    return _bare(found) if found else None


def passwords_in(words: Sequence[str]) -> Iterator[str]:
    """The passwords written out in a command: `--requirepass x`, `--password=x`, `PGPASSWORD=x psql`, `redis-cli -a x`."""
    found = [next_word for word, next_word in pairwise(words) if _OPTION_ALONE.fullmatch(word)]
    text = " ".join(words)
    inside = [_bare(match) for pattern in _PASSWORDS for match in pattern.finditer(text)]
    found += [value for value in inside if not any(value in one for one in found)]
    yield from (value for value in found if value and not _NO_PASSWORD.fullmatch(value))


def _bare(match: re.Match[str]) -> str:
    return match["value"].strip("\"'")
