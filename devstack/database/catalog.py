"""What stands in a database, read from its catalog: tables with their columns, keys, checks, indexes, triggers and partitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from devstack.database.connection import Connection, Row

_KINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table"}
_OURS = "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'devstack')"
_NOT_OF_EXTENSION = """NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid
    AND e.deptype = 'e')"""
_TABLES = f"""
SELECT c.oid::bigint, n.nspname::text, c.relname::text, c.relkind::text, c.relispartition,
    coalesce(pg_get_expr(c.relpartbound, c.oid), ''), coalesce(pg_get_partkeydef(c.oid), ''),
    coalesce((SELECT min(i.inhparent)::bigint FROM pg_inherits i WHERE i.inhrelid = c.oid), 0),
    coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {_OURS} AND {_NOT_OF_EXTENSION} AND (%s::bigint[] IS NULL OR c.oid = ANY(%s::oid[]))
ORDER BY 2, 3"""  # noqa: S608 - constants of ours
_COLUMNS = """
SELECT a.attrelid::bigint, a.attname::text, format_type(a.atttypid, a.atttypmod), b.typname::text, b.typcategory::text,
    b.typtype::text, a.attnotnull OR t.typnotnull, coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attidentity::text,
    a.attgenerated <> '', CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
    ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = b.oid ORDER BY e.enumsortorder),
    coalesce(el.typname::text, ''), coalesce(col_description(a.attrelid, a.attnum), ''), a.attnum
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
LEFT JOIN pg_type el ON el.oid = b.typelem AND b.typcategory = 'A'
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY(%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum"""
_CONSTRAINTS = """
SELECT k.conrelid::bigint, k.conname::text, k.contype::text, k.conkey::int[], pg_get_constraintdef(k.oid), k.confrelid::bigint,
    n.nspname::text, f.relname::text,
    ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY x (num, o)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.num ORDER BY o),
    k.confdeltype::text, k.convalidated
FROM pg_constraint k
LEFT JOIN pg_class f ON f.oid = k.confrelid LEFT JOIN pg_namespace n ON n.oid = f.relnamespace
WHERE k.conrelid = ANY(%s::oid[]) AND k.contype IN ('f', 'c', 'x') AND NOT (k.contype = 'f' AND k.conparentid <> 0)
ORDER BY k.conname"""
_INDEXES = """
SELECT i.indrelid::bigint, c.relname::text, pg_get_indexdef(i.indexrelid), i.indisunique, i.indisprimary, i.indisvalid,
    i.indkey::int2[]::int[], i.indnkeyatts, i.indpred IS NOT NULL
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY(%s::oid[])
ORDER BY NOT i.indisprimary, c.relname"""
_TRIGGERS = """
SELECT t.tgrelid::bigint, t.tgname::text, pg_get_triggerdef(t.oid), t.tgenabled <> 'D'
FROM pg_trigger t WHERE t.tgrelid = ANY(%s::oid[]) AND NOT t.tgisinternal ORDER BY t.tgname"""
_ON_DELETE = {"a": "", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. `base`, `category`, `kind` are the catalog's words for its type, or for the type beneath a domain.

    `identity` is "", "a" (always) or "d" (by default); `modifier` the catalog's atttypmod; `labels` an enum's values in order;
    `element` an array's element type.
    """

    name: str
    type: str
    base: str
    category: str
    kind: str
    not_null: bool
    default: str
    identity: str
    generated: bool
    modifier: int
    labels: tuple[str, ...]
    element: str
    comment: str

    @property
    def fills_itself(self) -> bool:
        """Whether the server has a value for the column when none is given."""
        return bool(self.default or self.identity or self.generated)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    name: str
    columns: tuple[str, ...]
    schema: str
    table: str
    ref_columns: tuple[str, ...]
    on_delete: str


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK or EXCLUDE constraint."""

    name: str
    columns: tuple[str, ...]
    definition: str


@dataclass(frozen=True, slots=True)
class Index:
    """An index. `columns` is () when it has expressions; `partial` when it covers only some rows."""

    name: str
    definition: str
    columns: tuple[str, ...]
    unique: bool
    primary: bool
    valid: bool
    partial: bool


@dataclass(frozen=True, slots=True)
class Trigger:
    name: str
    definition: str
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, view, materialized view or foreign table. `parent` is the oid of what it is a partition of, 0 for none."""

    oid: int
    schema: str
    name: str
    kind: str
    parent: int
    bound: str
    partition_key: str
    comment: str
    columns: tuple[Column, ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[Check, ...]
    indexes: tuple[Index, ...]
    triggers: tuple[Trigger, ...]

    @property
    def shown(self) -> str:
        """The name as people write it."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    @property
    def primary(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return next((index.columns for index in self.indexes if index.primary), ())

    @property
    def uniques(self) -> tuple[tuple[str, ...], ...]:
        """Every set of columns whose values must differ from row to row, the primary key first."""
        sets = (index.columns for index in self.indexes if index.unique and index.columns and not index.partial)
        return tuple(dict.fromkeys(sets))

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


def read_tables(connection: Connection, oids: Sequence[int] | None = None) -> tuple[Table, ...]:
    """The tables and views that are the project's own, by schema and name; only these `oids` when they are given."""
    wanted = None if oids is None else list(oids)
    found = connection.rows(_TABLES, (wanted, wanted))
    numbers = [row[0] for row in found]
    columns = _by_table(connection.rows(_COLUMNS, (numbers,)))
    names = {oid: {row[-1]: row[0] for row in rows} for oid, rows in columns.items()}
    constraints = _by_table(connection.rows(_CONSTRAINTS, (numbers,)))
    indexes = _by_table(connection.rows(_INDEXES, (numbers,)))
    triggers = _by_table(connection.rows(_TRIGGERS, (numbers,)))
    tables = []
    for oid, schema, name, kind, is_partition, bound, key, parent, comment in found:
        own = names.get(oid, {})
        tables.append(
            Table(
                oid=oid, schema=schema, name=name, kind="partition" if is_partition else _KINDS[kind],
                parent=parent if is_partition else 0, bound=bound, partition_key=key, comment=comment,
                columns=tuple(_column(row) for row in columns[oid]),
                foreign_keys=tuple(_foreign_key(row, own) for row in constraints[oid] if row[1] == "f"),
                checks=tuple(Check(row[0], _named(row[2], own), row[3]) for row in constraints[oid] if row[1] in "cx"),
                indexes=tuple(_index(row, own) for row in indexes[oid]),
                triggers=tuple(Trigger(*row) for row in triggers[oid]),
            )
        )  # fmt: skip
    return tuple(tables)


def find_table(connection: Connection, name: str) -> Table | None:
    """The table a person means by "users" or "shop.users": as it is written, else in lower case. None when there is none."""
    schema, _, table = name.rpartition(".")
    for where, what in ((schema, table), (schema.lower(), table.lower())):
        place = "n.nspname = %s" if where else "pg_table_is_visible(c.oid) AND %s = ''"
        found = connection.rows(
            "SELECT c.oid::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"  # noqa: S608 - ours
            f" WHERE c.relname = %s AND {place} AND c.relkind IN ('r', 'p', 'f', 'v')",
            (what, where),
        )
        if found:
            return next(iter(read_tables(connection, [found[0][0]])), None)
    return None


def qualified(connection: Connection, schema: str, table: str) -> str:
    """The name as SQL writes it."""
    return f"{connection.identifier(schema)}.{connection.identifier(table)}"


def _by_table(rows: Iterable[Row]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row[1:])
    return grouped


def _column(row: Row) -> Column:
    return Column(
        name=row[0], type=row[1], base=row[2], category=row[3], kind=row[4], not_null=row[5], default=row[6], identity=row[7],
        generated=row[8], modifier=row[9], labels=tuple(row[10]), element=row[11], comment=row[12],
    )  # fmt: skip


def _foreign_key(row: Row, names: dict[int, str]) -> ForeignKey:
    return ForeignKey(row[0], _named(row[2], names), row[5], row[6], tuple(row[7]), _ON_DELETE.get(row[8], ""))


def _index(row: Row, names: dict[int, str]) -> Index:
    name, definition, unique, primary, valid, keys, used, partial = row
    key = keys[:used]
    columns = () if 0 in key else _named(key, names)
    return Index(name, definition, columns, unique, primary, valid, partial)


def _named(numbers: Iterable[int] | None, names: dict[int, str]) -> tuple[str, ...]:
    return tuple(names[number] for number in numbers or () if number in names)


def read_enums(connection: Connection) -> dict[str, tuple[str, ...]]:
    """The project's own enums with their values in order; the name as SQL shows it."""
    rows = connection.rows(
        "SELECT format_type(t.oid, NULL), ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY"  # noqa: S608 - ours
        f" e.enumsortorder) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'e' AND {_OURS} AND NOT"
        " EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e') ORDER BY 1"
    )
    return {name: tuple(labels) for name, labels in rows}
