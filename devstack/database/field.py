"""What a rule of a recipe works on, and how it says that it cannot be."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from devstack.compose.model import Json
from devstack.database.catalog import Column
from devstack.document import Node, kind_of, plain

Made = dict[str, str | None]
"""The row as far as it is made: column -> text, None for NULL."""
Make = Callable[[int, Made], str | None]
"""(number of the row from 0, what is made of it) -> the value."""


class Unfit(Exception):
    """A rule cannot be what it says. `node` is the place when it is not the rule's own."""

    def __init__(self, message: str, node: Node | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.node = node


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a rule works on: its column, its argument, its random numbers, the server's clock. `unique`: no value may come twice."""

    column: Column
    node: Node
    random: random.Random
    now: datetime.datetime
    unique: bool = False
    first: int = 1
    """The first number that is free where numbers go on."""


def argument(field: Field) -> Json:
    return plain(field.node)


def length_of(column: Column) -> int | None:
    """How many characters a column of text may hold; None: any number."""
    return column.modifier - 4 if column.base in ("varchar", "bpchar") and column.modifier > 4 else None


def scale_of(column: Column) -> int | None:
    """How many decimals a column's numbers have; None: any number of them."""
    if column.base in ("int2", "int4", "int8", "oid"):
        return 0
    if column.base == "numeric" and column.modifier >= 4:
        return (column.modifier - 4) & 0x7FF
    return 2 if column.base in ("numeric", "money") else None


def span(field: Field) -> tuple[Decimal, Decimal]:
    value = argument(field)
    pair = value if isinstance(value, list) else [value, value]
    if len(pair) != 2 or not all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in pair):
        raise Unfit(f"two numbers are expected: [1, 500]; this is {kind_of(field.node)}")
    low, high = (Decimal(str(n)) for n in pair)
    if low > high:
        raise Unfit(f"{low} is more than {high}")
    return low, high
