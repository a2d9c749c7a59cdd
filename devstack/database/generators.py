"""The rules of a recipe: each makes values for one column, in the text form that COPY takes.

A rule is a function from a `Field` to a `Make`. What is drawn depends on the field's own random numbers only, so that a rule that is
added or changed leaves the other columns as they were.
"""

from __future__ import annotations

import datetime
import json
import re
import uuid
from collections.abc import Callable
from decimal import Decimal

from devstack.compose.model import Json
from devstack.database import prose, vocabulary
from devstack.database.catalog import Column
from devstack.database.field import Field, Made, Make, Unfit, argument, scale_of, span
from devstack.database.seed_json import array_literal
from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, kind_of, plain

_POOL = 100_000
_SPAN = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(s|m|h|d|w|y)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31557600}
_HOLE = re.compile(r"\{(\w+)(?::0?(\d+))?\}")


def number(field: Field) -> Make:
    low, high = span(field)
    said = max(_decimals(low), _decimals(high))
    scale = scale_of(field.column)
    scale = said if scale is None else scale
    if field.column.category != "N":
        scale = said
    step = 10**scale
    bottom, top = int(low * step), int(high * step)

    def make(row: int, made: Made) -> str:
        drawn = field.random.randint(bottom, top)
        return str(drawn) if scale == 0 else f"{Decimal(drawn) / step:.{scale}f}"

    return make


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def identifier(field: Field) -> Make:
    return lambda row, made: str(uuid.UUID(int=field.random.getrandbits(128), version=4))


def sequence(field: Field) -> Make:
    start = argument(field)
    if start in (True, None):
        start = field.first
    if not isinstance(start, int):
        raise Unfit(f"the first number is expected, this is {kind_of(field.node)}")
    return lambda row, made: str(start + row)


def chance(field: Field) -> Make:
    share = argument(field)
    share = 0.5 if share in (True, None) else share
    if not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise Unfit("the share of true is expected, a number from 0 to 1")
    return lambda row, made: "t" if field.random.random() < share else "f"


def constant(field: Field) -> Make:
    text = as_text(argument(field), field.column)
    return lambda row, made: text


def choices(node: Node) -> tuple[list[Json], list[float] | None]:
    """What there is to choose from, with weights when it says some."""
    if isinstance(node, SequenceNode) and node.items:
        return [plain(item) for item in node.items], None
    if isinstance(node, MappingNode) and node.entries:
        weights = [plain(entry.value) for entry in node]
        if all(isinstance(w, (int, float)) and not isinstance(w, bool) and w >= 0 for w in weights) and any(weights):
            return list(node.keys()), [float(w) for w in weights if isinstance(w, (int, float))]
    raise Unfit("a list is expected, or a mapping of value to weight: {open: 3, closed: 1}")


def choice(field: Field) -> Make:
    values, weights = choices(field.node)
    texts = [as_text(value, field.column) for value in values]
    return lambda row, made: field.random.choices(texts, weights)[0]


def time(field: Field) -> Make:
    if isinstance(field.node, SequenceNode) and len(field.node.items) == 2:
        low, high = (_moment(field, item) for item in field.node.items)
    else:
        low = high = _moment(field, field.node)
    if low > high:
        raise Unfit(f"{low:%Y-%m-%d %H:%M} is after {high:%Y-%m-%d %H:%M}")
    seconds = int((high - low).total_seconds())
    form = {"date": "%Y-%m-%d", "time": "%H:%M:%S", "timetz": "%H:%M:%S+00"}.get(field.column.base, "%Y-%m-%d %H:%M:%S+00")
    return lambda row, made: (low + datetime.timedelta(seconds=field.random.randint(0, seconds))).strftime(form)


def _moment(field: Field, node: Node) -> datetime.datetime:
    text = str(node.text if isinstance(node, ScalarNode) else "").strip()
    if text in ("now", "today"):
        return field.now if text == "now" else field.now.replace(hour=0, minute=0, second=0)
    span = _SPAN.fullmatch(text)
    try:
        if span:
            return field.now + datetime.timedelta(seconds=float(span.group(1)) * _SECONDS[span.group(2)])
        moment = datetime.datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise Unfit(f'"{text}" is no time: now, today, -30d (s m h d w y) or 2026-01-31 12:00', node) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def vector(field: Field) -> Make:
    size = argument(field)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise Unfit("the number of dimensions is expected")
    return lambda row, made: "[" + ",".join(f"{field.random.uniform(-1, 1):.4f}" for _ in range(size)) + "]"


def as_text(value: Json, column: Column) -> str | None:
    """A value written in a recipe as COPY takes it."""
    if value is None:
        return None
    if column.base in ("json", "jsonb") and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list) and column.category == "A":
        return array_literal(value)
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


RULES: dict[str, Callable[[Field], Make]] = {
    "value": constant,
    "choice": choice,
    "number": number,
    "sequence": sequence,
    "bool": chance,
    "time": time,
    "words": prose.some,
    "slug": prose.slug,
    "sentences": prose.sentences,
    "name": prose.name,
    "email": prose.email,
    "company": prose.company,
    "street": prose.street,
    "city": prose.listed(vocabulary.CITIES),
    "country": prose.listed(vocabulary.COUNTRIES),
    "phone": prose.phone,
    "url": prose.url,
    "ip": prose.address,
    "uuid": identifier,
    "template": prose.template,
    "pattern": prose.pattern,
    "vector": vector,
}
"""rule -> how it makes values. `ref` is the one more that a recipe knows."""


def pool_of(rule: str, field: Field) -> tuple[str | None, ...]:
    """Every value a rule can make where those can be counted, else ()."""
    if rule == "choice":
        return tuple(dict.fromkeys(as_text(value, field.column) for value in choices(field.node)[0]))
    if rule == "bool":
        return ("t", "f")
    if rule == "number":
        low, high = span(field)
        if scale_of(field.column) == 0 and high - low < _POOL:
            return tuple(str(n) for n in range(int(low), int(high) + 1))
    return ()
