"""SQL without its comments and blanks, to tell an edit that changes nothing from one that does."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<line>--[^\n]*)|(?P<block>/\*)|(?P<blank>\s+)"""
    r"""|(?P<escape>(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*+')|(?P<plain>'(?:[^']|'')*+')|(?P<name>"(?:[^"]|"")*+")"""
    r"""|(?P<dollar>(?<![\w$])\$(?:[^\W\d]\w*)?\$)|(?P<end>;)""",
    re.DOTALL,
)
_EDGE = re.compile(r"/\*|\*/")
_COPY = re.compile(r"^\s*copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_END_OF_DATA = re.compile(r"^\\\.\s*$", re.MULTILINE)


def tokens_checksum(text: str) -> str:
    """The same for two files that differ in comments and blanks only. What stands in quotes, bodies of functions too, counts."""
    return "sha256-tokens:" + hashlib.sha256("".join(_pieces(text)).strip().encode()).hexdigest()


def _pieces(text: str) -> Iterator[str]:
    """The text with each run of comments and blanks outside quotes as one space."""
    position, statement, spaced = 0, "", True
    while (token := _TOKEN.search(text, position)) is not None:
        between = text[position : token.start()]
        piece, end = _piece(text, token)
        if between:
            yield between
            spaced = False
        statement += between
        if piece == " ":
            if not spaced:
                yield " "
            spaced, statement = True, statement + " "
        else:
            yield piece
            spaced = False
            statement += piece if token.lastgroup != "dollar" else "$$"
        if token.lastgroup == "end":
            data = _data_end(text, end) if _COPY.match(statement) else end
            yield text[end:data]
            end, statement = data, ""
        position = end
    yield text[position:]


def _piece(text: str, token: re.Match[str]) -> tuple[str, int]:
    """What stands for a token, and where it ends."""
    if token.lastgroup == "block":
        return " ", _comment_end(text, token.end())
    if token.lastgroup in ("line", "blank"):
        return " ", token.end()
    if token.lastgroup == "dollar":
        end = text.find(token.group(), token.end())
        end = len(text) if end < 0 else end + len(token.group())
        return text[token.start() : end], end
    return token.group(), token.end()


def _comment_end(text: str, position: int) -> int:
    depth = 1
    while depth:
        edge = _EDGE.search(text, position)
        if edge is None:
            return len(text)
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position


def _data_end(text: str, position: int) -> int:
    end = _END_OF_DATA.search(text, position)
    return end.end() if end else len(text)
