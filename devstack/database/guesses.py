"""Rules for the columns that a recipe does not name: from the column's type, its checks and its name."""

from __future__ import annotations

import re

from devstack.compose.model import Json
from devstack.database.catalog import Column, Table

_LISTED = re.compile(r"= ANY \(+ARRAY\[(.*?)\]", re.DOTALL)
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")
_BOUND = re.compile(r"(>=|<=|>|<) '?\(?(-?\d+(?:\.\d+)?)")
_BY_NAME: tuple[tuple[str, str, Json], ...] = (
    ("email", "email", True),
    ("phone", "phone", True),
    ("first_?name|given_?name", "name", "first"),
    ("last_?name|surname|family_?name", "name", "last"),
    ("user_?name|login|handle|slug", "slug", True),
    ("full_?name|display_?name|author|owner", "name", True),
    ("company|organi[sz]ation", "company", True),
    ("city|town", "city", True),
    ("country", "country", True),
    ("street|address", "street", True),
    ("url|website|link|href", "url", True),
    ("body|content|text|description|comment|summary|bio|prompt", "sentences", [1, 3]),
    ("name|title|label|subject", "words", [1, 3]),
    ("sku|code|number|reference", "pattern", "??-####"),
)
_BY_TYPE: dict[str, tuple[str, Json]] = {
    "bool": ("bool", True),
    "uuid": ("uuid", True),
    "date": ("time", ["-365d", "now"]),
    "timestamp": ("time", ["-365d", "now"]),
    "timestamptz": ("time", ["-365d", "now"]),
    "time": ("time", ["-24h", "now"]),
    "timetz": ("time", ["-24h", "now"]),
    "json": ("value", {}),
    "jsonb": ("value", {}),
    "inet": ("ip", True),
    "cidr": ("ip", True),
    "interval": ("choice", ["15 minutes", "1 hour", "1 day"]),
    "bytea": ("value", "\\x64657673"),
    "hstore": ("value", ""),
    "tsvector": ("words", 5),
    "macaddr": ("value", "02:00:00:00:00:01"),
    "point": ("value", "(0,0)"),
    "xml": ("value", "<x/>"),
    "ltree": ("slug", 1),
}


def guess(table: Table, column: Column, unique: bool) -> tuple[str, Json] | None:
    """A rule with its argument for a column that must have a value, None when nobody can know one."""
    checks = [check.definition for check in table.checks if check.columns == (column.name,)]
    listed = next((found.group(1) for text in checks if (found := _LISTED.search(text))), "")
    if column.kind == "e":
        return "choice", list(column.labels)
    if listed:
        quoted = [value.replace("''", "'") for value in _QUOTED.findall(listed)]
        return "choice", list[Json](quoted) if quoted else list[Json](int(n) for n in _NUMBERS.findall(listed) if n.isdigit())
    if column.base in ("int2", "int4", "int8", "oid") and unique:
        return "sequence", True
    if column.category == "N" and column.base != "oid":
        return "number", _bounds(column, checks)
    if column.base in ("vector", "halfvec"):
        return "vector", max(column.modifier, 3)
    if column.category == "A":
        return "value", []
    if column.category == "S":
        return _text(column, unique)
    if column.category == "R":
        return "value", "empty"
    return _BY_TYPE.get(column.base)


def _text(column: Column, unique: bool) -> tuple[str, Json]:
    length = column.modifier - 4 if column.modifier > 4 else 1000
    if length < 8:
        return "pattern", "?" * min(length, 2) + "#" * max(0, min(length - 2, 4))
    for words, rule, argument in _BY_NAME:
        if re.search(f"(?:^|_)(?:{words})(?:$|_)", column.name):
            return rule, argument
    return ("words", 3) if not unique else ("slug", 3)


def _bounds(column: Column, checks: list[str]) -> list[Json]:
    """The range that checks such as `price > 0` leave, within what the column can hold."""
    low, high = 0.0 if column.base.startswith("float") else 1, 1000.0
    whole = column.base in ("int2", "int4", "int8")
    if column.base == "numeric" and column.modifier >= 4:
        precision, scale = (column.modifier - 4) >> 16, (column.modifier - 4) & 0x7FF
        high = min(high, float(10 ** (precision - scale) - 1))
        low = min(low, high)
    for sign, text in (pair for check in checks for pair in _BOUND.findall(check)):
        edge = float(text)
        step = 0 if "=" in sign else 1 if whole else 0.01
        if sign.startswith(">"):
            low = max(low, edge + step) if low < edge + step else low
            high = max(high, low + 1000) if high < low else high
        else:
            high = min(high, edge - step)
            low = min(low, high)
    return [int(low), int(high)] if whole else [low, high]
