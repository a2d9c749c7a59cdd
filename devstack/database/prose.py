"""The rules of a recipe that make text: words, names, addresses, templates."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import replace

from devstack.database import vocabulary as words
from devstack.database.field import Field, Made, Make, Unfit, argument, span
from devstack.document import ScalarNode, kind_of

_HOLE = re.compile(r"\{(\w+)(?::0?(\d+))?\}")


def _counts(field: Field) -> tuple[int, int]:
    low, high = span(field)
    if low < 0 or low != int(low) or high != int(high):
        raise Unfit("whole numbers are expected")
    return int(low), int(high)


def some(field: Field, separator: str = " ") -> Make:
    low, high = _counts(field)
    return lambda row, made: separator.join(field.random.choices(words.WORDS, k=field.random.randint(low, high)))


def slug(field: Field) -> Make:
    return some(_with_default(field, 2), "-")


def sentences(field: Field) -> Make:
    low, high = _counts(_with_default(field, 1))

    def sentence() -> str:
        return " ".join(field.random.choices(words.WORDS, k=field.random.randint(5, 12))).capitalize() + "."

    return lambda row, made: " ".join(sentence() for _ in range(field.random.randint(low, high)))


def _with_default(field: Field, count: int) -> Field:
    value = argument(field)
    if value in (True, None, "unique"):
        where = field.node.where
        return replace(field, node=ScalarNode(count, str(count), where))
    return field


def name(field: Field) -> Make:
    which = argument(field)
    pick = field.random.choice
    if which == "first":
        return lambda row, made: pick(words.FIRST)
    if which == "last":
        return lambda row, made: pick(words.LAST)
    if which not in (True, None, "full", "unique"):
        raise Unfit(f'first, last or full is expected, this is "{which}"')
    return lambda row, made: f"{pick(words.FIRST)} {pick(words.LAST)}"


def email(field: Field) -> Make:
    pick = field.random.choice

    def make(row: int, made: Made) -> str:
        end = f".{row + field.first}" if field.unique else ""
        return f"{pick(words.FIRST)}.{pick(words.LAST)}{end}@example.org".lower()

    return make


def listed(choices: list[str]) -> Callable[[Field], Make]:
    return lambda field: lambda row, made: field.random.choice(choices)


def company(field: Field) -> Make:
    return lambda row, made: f"{field.random.choice(words.LAST)} {field.random.choice(words.COMPANIES)}"


def street(field: Field) -> Make:
    return lambda row, made: f"{field.random.choice(words.STREETS)} Street {field.random.randint(1, 180)}"


def phone(field: Field) -> Make:
    return lambda row, made: f"+1 555 {field.random.randint(100, 999)} {field.random.randint(0, 9999):04}"


def url(field: Field) -> Make:
    return lambda row, made: f"https://{field.random.choice(words.WORDS)}.example.org/{field.random.choice(words.WORDS)}"


def address(field: Field) -> Make:
    return lambda row, made: f"192.0.2.{field.random.randint(1, 254)}" if not field.unique else f"10.{_dotted(row + field.first)}"


def _dotted(n: int) -> str:
    return f"{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"


def template(field: Field) -> Make:
    """Text with holes: {row} is the row's number, {row:05} with zeros, {column} another column of the row."""
    text = argument(field)
    if not isinstance(text, str):
        raise Unfit(f"text is expected, this is {kind_of(field.node)}")

    def fill(row: int, made: Made, hole: re.Match[str]) -> str:
        word, width = hole.groups()
        if word == "row":
            return f"{row + field.first:0{width or 1}}"
        if word not in made:
            raise Unfit(f"{{{word}}} is no column that has a value before this one")
        return made[word] or ""

    return lambda row, made: _HOLE.sub(lambda hole: fill(row, made, hole), text)


def pattern(field: Field) -> Make:
    """Text in which # is a digit and ? a capital letter."""
    text = argument(field)
    if not isinstance(text, str):
        raise Unfit(f"text is expected, this is {kind_of(field.node)}")
    kinds = {"#": string.digits, "?": string.ascii_uppercase}
    return lambda row, made: "".join(field.random.choice(kinds[c]) if c in kinds else c for c in text)
