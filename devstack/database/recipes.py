"""Recipes: seeds in YAML that say how many rows a table gets and by what rules. The same recipe gives the same rows every time,
except for times that are counted from now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack.database.catalog import Table
from devstack.database.connection import Connection
from devstack.database.generators import RULES
from devstack.database.seed_json import escaped
from devstack.database.seeds import Batch, Clue, check_columns, read_seed, table_name, table_named, wrong
from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, kind_of, load
from devstack.errors import SpecError, Where

_KEYS = ("table", "rows", "seed", "columns")
_BESIDE = ("nulls", "unique")
_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of one column: `name` is one of RULES, or "ref"; `nulls` the share of rows that have none."""

    name: str
    argument: Node
    node: Node
    unique: bool = False
    nulls: float = 0.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """One table's part of the file. `column_places` are the keys' own places."""

    table: str
    rows: int
    seed: str
    rules: dict[str, Rule]
    column_places: dict[str, Where]
    where: Where


def batches(connection: Connection, path: Path, name: str) -> Iterator[Batch]:
    """A recipe's rows, some thousand to a COPY; each recipe sees the rows of those before it."""
    from devstack.database.recipe_rows import rows_of

    source = read_seed(path, name)
    for node in _recipes(load(source, name), name, source):
        recipe = _recipe(node, table_name(path), source)
        table = table_named(connection, recipe.table, recipe.where, source)
        named = tuple(recipe.rules)
        check_columns(table, named, lambda number, r=recipe, n=named: r.column_places[n[number]], source)  # type: ignore[misc]
        columns, rows = rows_of(connection, table, recipe, source)
        for lines in _portions(rows):
            data = "".join("\t".join("\\N" if v is None else escaped(v) for v in line) + "\n" for line in lines).encode()
            yield Batch(table, columns, "", lambda data=data: iter((data,)), _locator(table, recipe))  # type: ignore[misc]


def _portions(rows: Iterator[tuple[str | None, ...]]) -> Iterator[list[tuple[str | None, ...]]]:
    portion = []
    for row in rows:
        portion.append(row)
        if len(portion) == _BATCH:
            yield portion
            portion = []
    if portion:
        yield portion


def _locator(table: Table, recipe: Recipe) -> Callable[[Clue], Where]:
    def locate(clue: Clue) -> Where:
        rule = recipe.rules.get(clue.column)
        return rule.node.where if rule else recipe.where

    return locate


def _recipes(root: Node | None, name: str, source: str) -> list[MappingNode]:
    items: tuple[Node, ...] = root.items if isinstance(root, SequenceNode) else (root,) if root is not None else ()
    if not items:
        raise SpecError([wrong(Where(name, 1), "a recipe is expected: table, rows, columns", source)])
    found = [item for item in items if isinstance(item, MappingNode)]
    if len(found) != len(items):
        bad = next(item for item in items if not isinstance(item, MappingNode))
        raise SpecError([wrong(bad.where, f"a recipe is a mapping (table, rows, columns), this is {kind_of(bad)}", source)])
    return found


def _recipe(node: MappingNode, default: str, source: str) -> Recipe:
    problems = [
        wrong(entry.where, f"a recipe has no {entry.key}", source, entry.key, list(_KEYS))
        for entry in node
        if entry.key not in _KEYS
    ]
    table, rows, seed, columns = (node.get(key) for key in _KEYS)
    if table is not None and not (isinstance(table, ScalarNode) and isinstance(table.value, str)):
        problems.append(wrong(table.where, f"the table's name is expected, this is {kind_of(table)}", source))
    count = rows.value if isinstance(rows, ScalarNode) else None
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        problems.append(wrong((rows or node).where, "rows: a whole number says how many", source))
    if columns is not None and not isinstance(columns, MappingNode):
        problems.append(
            wrong(columns.where, f"columns: a mapping of column to rule is expected, this is {kind_of(columns)}", source)
        )
    rules: dict[str, Rule] = {}
    for entry in columns if isinstance(columns, MappingNode) else ():
        found = _rule(entry.value)
        if isinstance(found, Rule):
            rules[entry.key] = found
        else:
            problems.append(wrong(found[0], found[1], source, found[2], [*RULES, "ref"]))
    if problems:
        raise SpecError(problems)
    return Recipe(
        str(table.value) if isinstance(table, ScalarNode) else default,
        count if isinstance(count, int) else 0,
        seed.text if isinstance(seed, ScalarNode) else "",
        rules,
        {entry.key: entry.where for entry in columns} if isinstance(columns, MappingNode) else {},
        (table or node).where,
    )


def _rule(node: Node) -> Rule | tuple[Where, str, str]:
    """The rule, or (place, what is wrong, the word that is)."""
    if isinstance(node, ScalarNode):
        return Rule("value", node, node)
    if isinstance(node, SequenceNode):
        return Rule("choice", node, node)
    named = [entry for entry in node if entry.key not in _BESIDE]
    if len(named) != 1:
        said = " and ".join(entry.key for entry in named) or "none"
        return node.where, f"one rule is expected, this has {said}", ""
    entry = named[0]
    if entry.key not in RULES and entry.key != "ref":
        return entry.where, f"there is no rule {entry.key}", entry.key
    nulls, unique = node.get("nulls"), node.get("unique")
    share = nulls.value if isinstance(nulls, ScalarNode) else 0
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        return (nulls or node).where, "nulls: the share of rows without a value, from 0 to 1", ""
    marked = isinstance(unique, ScalarNode) and unique.value is True
    asked = isinstance(entry.value, ScalarNode) and entry.value.value == "unique"
    return Rule(entry.key, entry.value, node, marked or asked, float(share))
