"""Makes the rows of a recipe: foreign keys point at rows that are there, unique columns differ, what must have a value gets one."""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from devstack.database.catalog import Column, ForeignKey, Table, find_table, qualified
from devstack.database.connection import Connection
from devstack.database.field import Field, Made, Unfit, length_of
from devstack.database.generators import RULES, pool_of
from devstack.database.guesses import guess
from devstack.database.recipes import Recipe, Rule
from devstack.database.seeds import wrong
from devstack.document import ScalarNode, node_of
from devstack.errors import SpecError, Where

_ROWS_TO_POINT_AT = 100_000
_COMBINATIONS = 500_000
_TRIES = 300
_PLAIN_TRIES = 20
Values = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the values of some columns of a row. `pool` holds all there can be, where those can be counted; None: no row fits."""

    columns: tuple[str, ...]
    where: Where
    make: Callable[[int, Made], Values | None]
    pool: tuple[Values, ...] = ()
    lengthens: bool = False
    """Text to which a number may be added where it would come twice."""
    last: bool = False


def rows_of(
    connection: Connection, table: Table, recipe: Recipe, source: str
) -> tuple[tuple[str, ...], Iterator[tuple[str | None, ...]]]:
    """The columns that the recipe fills, and the rows as they are asked for. Raises SpecError for a rule that cannot work."""
    kitchen = _Kitchen(connection, table, recipe, source)
    makers = kitchen.makers()
    columns = tuple(column for maker in makers for column in maker.columns)
    if not columns and recipe.rows:
        raise SpecError([wrong(recipe.where, f"{table.shown} has no column that a recipe could fill", source)])
    return columns, kitchen.rows(makers, columns)


class _Kitchen:
    def __init__(self, connection: Connection, table: Table, recipe: Recipe, source: str) -> None:
        self.connection = connection
        self.table = table
        self.recipe = recipe
        self.source = source
        self.now: datetime = connection.rows("SELECT now() AT TIME ZONE 'UTC'")[0][0].replace(tzinfo=UTC)
        marked = [(name,) for name, rule in recipe.rules.items() if rule.unique]
        self.uniques = tuple(dict.fromkeys((*table.uniques, *marked)))

    def makers(self) -> list[Maker]:
        made: list[Maker] = []
        for name, rule in self.recipe.rules.items():
            made.append(self._named(self._column(name), rule))
        covered = {column for maker in made for column in maker.columns}
        for key in sorted(self.table.foreign_keys, key=lambda key: -len(key.columns)):
            missing = tuple(column for column in key.columns if column not in covered)
            if missing and not any(self._column(column).fills_itself for column in missing):
                made.append(self._reference(key, missing, self.recipe.where))
                covered.update(missing)
        for column in self.table.columns:
            if column.name not in covered and column.not_null and not column.fills_itself:
                made.append(self._guessed(column))
        for unique in self.uniques:
            made = self._jointly(made, unique)
        return sorted(made, key=lambda maker: maker.last)

    def rows(self, makers: Sequence[Maker], columns: tuple[str, ...]) -> Iterator[tuple[str | None, ...]]:
        watched = [unique for unique in self.uniques if set(unique) <= set(columns)]
        taken = {unique: set(self._present(unique)) for unique in watched}
        for number in range(self.recipe.rows):
            row, clash = self._row(makers, number, taken)
            if clash:
                few = f"after {number:,} rows no new values are found for {', '.join(clash)}, which must differ from row to row"
                raise SpecError([wrong(self._place(clash[0]), few, self.source)])
            for unique in watched:
                taken[unique].add(tuple(row[column] for column in unique))
            yield tuple(row[column] for column in columns)

    def _row(self, makers: Sequence[Maker], number: int, taken: dict[tuple[str, ...], set[Values]]) -> tuple[Made, tuple[str, ...]]:
        """A row, and the columns that could not be made to differ from all others."""
        clash: tuple[str, ...] = ()
        row: Made = {}
        for attempt in range(_TRIES):
            row = {}
            unmade: tuple[str, ...] = ()
            for maker in makers:
                values = self._made(maker, number, row)
                if values is None:
                    unmade = maker.columns
                    break
                if attempt >= _PLAIN_TRIES and maker.lengthens and set(maker.columns) & set(clash):
                    values = tuple(self._longer(column, v, number) for column, v in zip(maker.columns, values, strict=True))
                row.update(zip(maker.columns, values, strict=True))
            if not unmade:
                keys = ((unique, tuple(row[column] for column in unique)) for unique in taken)
                clash = next((unique for unique, key in keys if None not in key and key in taken[unique]), ())
                if not clash:
                    return row, ()
            else:
                clash = unmade
        return row, clash

    def _made(self, maker: Maker, number: int, row: Made) -> Values | None:
        try:
            return maker.make(number, row)
        except Unfit as unfit:
            raise SpecError([wrong(maker.where, unfit.message, self.source)]) from None

    def _longer(self, column: str, value: str | None, number: int) -> str | None:
        if value is None:
            return None
        name, at, domain = value.partition("@")
        length = length_of(self._column(column))
        ending = f"-{number + 1}{at}{domain}"
        return name[: max(0, length - len(ending))] + ending if length else name + ending

    def _column(self, name: str) -> Column:
        column = self.table.column(name)
        assert column is not None
        return column

    def _place(self, column: str) -> Where:
        rule = self.recipe.rules.get(column)
        return rule.node.where if rule else self.recipe.where

    def _random(self, *words: str) -> random.Random:
        return random.Random(":".join((self.recipe.seed, self.table.shown, *words)))  # noqa: S311 - made-up data, no secret

    def _named(self, column: Column, rule: Rule) -> Maker:
        if rule.name == "ref":
            return self._with_nulls(self._named_reference(column, rule), rule)
        return self._with_nulls(self._ruled(column, rule.name, rule), rule)

    def _ruled(self, column: Column, name: str, rule: Rule) -> Maker:
        unique = rule.unique or (column.name,) in self.uniques
        field = Field(
            column=column,
            node=rule.argument,
            random=self._random(column.name),
            now=self.now,
            unique=unique,
            first=self._first(column),
        )
        try:
            make = RULES[name](field)
            pool = pool_of(name, field) if not rule.nulls else ()
        except Unfit as unfit:
            where = unfit.node.where if unfit.node else rule.argument.where
            raise SpecError([wrong(where, f"{column.name}: {unfit.message}", self.source)]) from None
        length = length_of(column)
        lengthens = column.category == "S" and name not in ("value", "choice")

        def one(number: int, row: Made) -> Values:
            value = make(number, row)
            return (value[:length] if length and value is not None and name != "value" else value,)

        return Maker((column.name,), rule.node.where, one, tuple((v,) for v in pool), lengthens, name == "template")

    def _guessed(self, column: Column) -> Maker:
        unique = any(column.name in columns for columns in self.uniques)
        found = guess(self.table, column, unique)
        if found is None:
            message = f"{self.table.shown}.{column.name} must have a value, and nobody knows one for its type {column.type}"
            raise SpecError([wrong(self.recipe.where, f"{message}: give it a rule", self.source)])
        node = node_of(found[1], self.recipe.where)
        return self._ruled(column, found[0], Rule(found[0], node, ScalarNode(None, "", self.recipe.where)))

    def _with_nulls(self, maker: Maker, rule: Rule) -> Maker:
        if not rule.nulls:
            return maker
        coin = self._random(*maker.columns, "null")
        none = (None,) * len(maker.columns)
        return replace(maker, make=lambda n, row: none if coin.random() < rule.nulls else maker.make(n, row), pool=())

    def _named_reference(self, column: Column, rule: Rule) -> Maker:
        text = rule.argument.text if isinstance(rule.argument, ScalarNode) else ""
        name, dot, key = text.rpartition(".")
        target = find_table(self.connection, name) if dot else None
        if target is None or target.column(key) is None:
            raise SpecError(
                [wrong(rule.argument.where, f"ref: table.column is expected, there is no {text or 'such'}", self.source)]
            )
        own = next((k for k in self.table.foreign_keys if column.name in k.columns and k.table == target.name), None)
        if own is not None and len(own.columns) > 1:
            return self._reference(own, own.columns, rule.node.where)
        return self._reference(
            ForeignKey("", (column.name,), target.schema, target.name, (key,), ""), (column.name,), rule.node.where
        )

    def _reference(self, key: ForeignKey, missing: tuple[str, ...], where: Where) -> Maker:
        """Values of rows that are there. Columns of the key that the row has already choose among them."""
        there = self._pointed_at(key)
        if not there:
            if all(not self._column(column).not_null for column in missing):
                return Maker(missing, where, lambda number, row: (None,) * len(missing))
            message = f"{', '.join(missing)} must point at a row of {key.table}, which has none"
            raise SpecError([wrong(where, f"{message}: its seed must come before", self.source)])
        given = [number for number, column in enumerate(key.columns) if column not in missing]
        wanted = [key.columns.index(column) for column in missing]
        groups: dict[Values, list[Values]] = defaultdict(list)
        for values in there:
            groups[tuple(values[n] for n in given)].append(tuple(values[n] for n in wanted))
        draw = self._random(*missing)

        def make(number: int, row: Made) -> Values | None:
            found = groups.get(tuple(row[key.columns[n]] for n in given))
            if found is None and all(not self._column(column).not_null for column in missing):
                return (None,) * len(missing)
            return draw.choice(found) if found else None

        return Maker(missing, where, make, () if given else tuple(dict.fromkeys(groups[()])))

    def _pointed_at(self, key: ForeignKey) -> list[Values]:
        names = [self.connection.identifier(column) for column in key.ref_columns]
        target = qualified(self.connection, key.schema, key.table)
        texts, there = ", ".join(f"{name}::text" for name in names), " AND ".join(f"{name} IS NOT NULL" for name in names)
        query = f"SELECT {texts} FROM {target} WHERE {there} ORDER BY {', '.join(names)} LIMIT {_ROWS_TO_POINT_AT}"  # noqa: S608 - from the catalog
        return self.connection.rows(query)

    def _present(self, columns: tuple[str, ...]) -> list[Values]:
        """What the table has in these columns."""
        texts = ", ".join(f"{self.connection.identifier(column)}::text" for column in columns)
        target = qualified(self.connection, self.table.schema, self.table.name)
        return self.connection.rows(f"SELECT {texts} FROM {target}")  # noqa: S608 - from the catalog

    def _first(self, column: Column) -> int:
        """The first number that is free: past the largest of a column of whole numbers, past the count of rows elsewhere."""
        target = qualified(self.connection, self.table.schema, self.table.name)
        whole = column.base in ("int2", "int4", "int8")
        what = f"max({self.connection.identifier(column.name)})" if whole else "count(*)"
        return int(self.connection.rows(f"SELECT {what} FROM {target}")[0][0] or 0) + 1  # noqa: S608 - from the catalog

    def _jointly(self, makers: list[Maker], unique: tuple[str, ...]) -> list[Maker]:
        """Where all the values of unique columns can be counted, each combination is given once, none is searched for."""
        parts = [maker for maker in makers if set(maker.columns) & set(unique)]
        columns = tuple(column for maker in parts for column in maker.columns)
        size = math.prod(len(maker.pool) for maker in parts)
        if set(columns) != set(unique) or not 0 < size <= _COMBINATIONS:
            return makers
        order = [columns.index(column) for column in unique]
        taken = set(self._present(unique))
        every = (tuple(itertools.chain(*pick)) for pick in itertools.product(*(maker.pool for maker in parts)))
        free = [values for values in every if tuple(values[n] for n in order) not in taken]
        if len(free) < self.recipe.rows:
            only = f"only {len(free):,} different values are free for {', '.join(unique)}, and each row needs its own"
            raise SpecError([wrong(self._place(unique[0]), only, self.source)])
        self._random(*unique, "jointly").shuffle(free)
        joint = Maker(columns, parts[0].where, lambda number, row: free[number])
        return [joint, *(maker for maker in makers if maker not in parts)]
