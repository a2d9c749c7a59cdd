"""`$VAR` and `${VAR:-default}` inside one text: the grammar, and what it expands to.

A default is expanded only when it is used. `$$` is a dollar sign; a dollar that begins no variable stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Lookup = Callable[[str], str | None]
Report = Callable[[str, int], None]
"""Called with a message and the offset in the text."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-+?]")


@dataclass(frozen=True, slots=True)
class Reference:
    """One use of a variable. `operator` is "", "-", ":-", "+", ":+", "?" or ":?"; `rest` is the unexpanded text after it."""

    name: str
    offset: int
    operator: str = ""
    rest: str = ""
    rest_offset: int = 0


@dataclass(frozen=True, slots=True)
class Mistake:
    """A `${` that is no variable."""

    text: str
    offset: int


Part = str | Reference | Mistake


def parts(text: str, start: int = 0) -> Iterator[Part]:
    """Literal pieces and references in order; `start` is added to every offset."""
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        if dollar > position:
            yield text[position:dollar]
        following = text[dollar + 1 : dollar + 2]
        if following == "$":
            yield "$"
            position = dollar + 2
        elif following == "{":
            end = _closing(text, dollar + 1)
            yield _braced(text, dollar, end, start)
            position = end + 1 if end > dollar else len(text)
        elif name := _NAME.match(text, dollar + 1):
            yield Reference(name.group(), start + dollar)
            position = name.end()
        else:
            yield "$"
            position = dollar + 1
    if position < len(text):
        yield text[position:]


def _closing(text: str, brace: int) -> int:
    """The index of the brace that closes the one at `brace`, braces inside counted; without one the last of the text, or -1."""
    depth = 0
    position = brace
    while position < len(text):
        if text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        elif text[position] == "{":
            depth += 1
        position += 1
    return text.rfind("}")


def _braced(text: str, dollar: int, end: int, start: int) -> Reference | Mistake:
    body = text[dollar + 2 : end]
    name = _NAME.match(body)
    if end < dollar or name is None or "\n" in body:
        return Mistake(text[dollar : end + 1 if end > dollar else len(text)], start + dollar)
    after = body[name.end() :]
    if not after:
        return Reference(name.group(), start + dollar)
    operator = _OPERATOR.match(after)
    if operator is None:
        return Mistake(text[dollar : end + 1], start + dollar)
    rest_offset = start + dollar + 2 + name.end() + operator.end()
    return Reference(name.group(), start + dollar, operator.group(), after[operator.end() :], rest_offset)


def expand(text: str, lookup: Lookup, *, warn: Callable[[str], None], fail: Report, start: int = 0) -> str:
    """The text with variables replaced. `warn` gets the name of each unset variable without a default, `fail` each mistake."""
    if "$" not in text:
        return text
    result: list[str] = []
    for part in parts(text, start):
        if isinstance(part, str):
            result.append(part)
        elif isinstance(part, Mistake):
            shown = part.text.partition("\n")[0]
            fail(f"{shown} is not a variable: write ${{NAME}}, or $$ for a dollar sign", part.offset)
        else:
            result.append(_value(part, lookup, warn, fail))
    return "".join(result)


def _value(part: Reference, lookup: Lookup, warn: Callable[[str], None], fail: Report) -> str:
    value = lookup(part.name)
    present = value is not None and (value != "" or not part.operator.startswith(":"))
    match part.operator[-1:]:
        case "-" if not present:
            return expand(part.rest, lookup, warn=warn, fail=fail, start=part.rest_offset)
        case "+":
            return expand(part.rest, lookup, warn=warn, fail=fail, start=part.rest_offset) if present else ""
        case "?" if not present:
            reason = expand(part.rest, lookup, warn=warn, fail=fail, start=part.rest_offset)
            state = "not set" if value is None else "empty"
            fail(f"required variable {part.name} is {state}{f': {reason}' if reason else ''}", part.offset)
            return ""
    if value is None:
        warn(part.name)
        return ""
    return value


def references(text: str, start: int = 0) -> Iterator[Reference]:
    """Every variable named in the text, also inside defaults."""
    for part in parts(text, start):
        if isinstance(part, Reference):
            yield part
            if part.rest:
                yield from references(part.rest, part.rest_offset)
