"""The flow of `schema show`: which database, what of it, as text, JSON or a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.cli.console import columns
from devstack.cli.session import Session
from devstack.compose.roles import Postgres
from devstack.errors import DevstackError, UsageError

if TYPE_CHECKING:
    from devstack.compose.model import Json
    from devstack.database.catalog import Column, Table
    from devstack.database.target import Target

APPLICATION = "devstack-show"
FORMS = ("svg", "mermaid", "png")


def target_named(session: Session, text: str | None) -> Target:
    """The database that is meant by NAME, SERVICE or SERVICE/NAME; by nothing, the schema's, else the only one there is."""
    from devstack.cli.shelling import chosen, target_for

    known = {**session.stack.services, **session.stack.disabled}
    service, slash, name = (text or "").partition("/")
    if not slash and service not in known:
        service, name = "", service
    role = chosen(session, service or None, (Postgres,))
    assert isinstance(role, Postgres)
    spec = session.project.spec
    if not name and spec is not None and spec.schema and spec.schema[0].service == role.service:
        name = spec.schema[0].database
    return target_for(session, role, name)


def show(session: Session, database: str | None, wanted: Sequence[str], diagram: str, output: Path | None) -> None:
    """Answer with the tables, or draw them."""
    from devstack.database.catalog import read_enums, read_tables
    from devstack.database.connection import connect

    if diagram and diagram not in FORMS:
        raise UsageError(f"--diagram {diagram}: one of {', '.join(FORMS)}")
    if output is not None and not diagram:
        raise UsageError("--output is for --diagram", hints=["--diagram svg --output schema.svg"])
    target = target_named(session, database)
    with connect(target, application_name=APPLICATION, read_only=True) as connection:
        tables = _chosen(read_tables(connection), wanted)
        enums = read_enums(connection)
    if diagram:
        _draw(session, tables, target, diagram, output)
        return
    data: dict[str, Json] = {
        "service": target.service,
        "database": target.database,
        "tables": [_as_json(table, tables) for table in tables if table.kind != "partition"],
        "enums": [{"name": name, "values": list(values)} for name, values in enums.items()],
    }
    session.console.answer(data, None if session.console.as_json else _as_text(tables, enums if not wanted else {}))


def _chosen(tables: Sequence[Table], wanted: Sequence[str]) -> tuple[Table, ...]:
    if not wanted:
        return tuple(tables)
    from devstack.document import did_you_mean

    names = {name for table in tables for name in (table.shown, f"{table.schema}.{table.name}")}
    for name in wanted:
        if name not in names:
            nearest = did_you_mean(name, names)
            raise UsageError(f"there is no table {name}", hints=[nearest] if nearest else [])
    found = [t for t in tables if t.shown in wanted or f"{t.schema}.{t.name}" in wanted]
    oids = {table.oid for table in found}
    return tuple(table for table in tables if table.oid in oids or table.parent in oids)


def _draw(session: Session, tables: Sequence[Table], target: Target, form: str, output: Path | None) -> None:
    from devstack.database.diagram import mermaid, png, svg
    from devstack.database.diagram.picture import picture_of

    if form == "png" and output is None:
        raise UsageError("a PNG needs a file", hints=["--diagram png --output schema.png"])
    picture = picture_of(tables)
    text = mermaid.write(picture) if form == "mermaid" else svg.draw(picture, f"{target.service} / {target.database}")
    if output is None:
        session.console.answer({"diagram": text, "form": form}, text.rstrip("\n"))
        return
    by = ""
    try:
        if form == "png":
            by = png.render(text, output)
        else:
            output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DevstackError(f"{output} cannot be written: {error.strerror}") from None
    session.console.label("wrote", f"{output}{f' with {by}' if by else ''}")
    session.console.answer({"file": str(output), "form": form, "drawn_by": by or None})


def _as_text(tables: Sequence[Table], enums: dict[str, tuple[str, ...]]) -> str:
    blocks = [_block(table, tables) for table in tables if table.kind != "partition"]
    if enums:
        blocks.append("enums\n" + columns([[name, ", ".join(values)] for name, values in enums.items()]))
    return "\n\n".join(blocks) if blocks else "no tables"


def _block(table: Table, tables: Sequence[Table]) -> str:
    rows = [[column.name, column.type, _marks(table, column), _filled(column), column.comment] for column in table.columns]
    lines = [f"{table.shown}  ({table.kind}{f': {table.comment}' if table.comment else ''})", columns(rows)]
    for key in table.foreign_keys:
        target = key.table if key.schema == "public" else f"{key.schema}.{key.table}"
        action = f" on delete {key.on_delete}" if key.on_delete else ""
        lines.append(f"  key      ({', '.join(key.columns)}) -> {target} ({', '.join(key.ref_columns)}){action}")
    lines += [f"  check    {check.name}: {check.definition}" for check in table.checks]
    for index in table.indexes:
        if not index.primary:
            using = index.definition.partition(" USING ")[2] or index.definition
            lines.append(f"  {'unique' if index.unique else 'index':<8} {index.name}: {using}{'' if index.valid else '  INVALID'}")
    lines += [f"  trigger  {t.name}{'' if t.enabled else ' (disabled)'}: {_when(t.definition)}" for t in table.triggers]
    parts = [part for part in tables if part.parent == table.oid]
    if table.partition_key:
        lines.append(f"  parts    by {table.partition_key}")
        lines += [f"           {part.shown}  {part.bound}" for part in parts]
    return "\n".join(lines)


def _when(definition: str) -> str:
    """What a trigger does: "BEFORE UPDATE FOR EACH ROW EXECUTE FUNCTION touch()"."""
    words = definition.split()
    start = next((n for n, word in enumerate(words) if word in ("BEFORE", "AFTER", "INSTEAD")), 0)
    on = words.index("ON", start) if "ON" in words[start:] else len(words)
    return " ".join([*words[start:on], *words[on + 2 :]])


def _marks(table: Table, column: Column) -> str:
    marks = ["PK"] if column.name in table.primary else []
    marks += ["FK"] if any(column.name in key.columns for key in table.foreign_keys) else []
    marks += ["UQ"] if (column.name,) in table.uniques and column.name not in table.primary else []
    return " ".join(marks + (["not null"] if column.not_null and "PK" not in marks else []))


def _filled(column: Column) -> str:
    if column.generated:
        return f"generated as {column.default}"
    if column.identity:
        return "identity" + (" always" if column.identity == "a" else "")
    return f"default {column.default}" if column.default else ""


def _as_json(table: Table, tables: Sequence[Table]) -> Json:
    return {
        "schema": table.schema,
        "name": table.name,
        "kind": table.kind,
        "comment": table.comment or None,
        "columns": [
            {
                "name": c.name, "type": c.type, "nullable": not c.not_null, "default": c.default or None,
                "identity": {"a": "always", "d": "by default"}.get(c.identity), "generated": c.generated, "comment": c.comment or None,
            }
            for c in table.columns
        ],
        "primary_key": list(table.primary),
        "unique": [list(columns) for columns in table.uniques if columns != table.primary],
        "foreign_keys": [
            {
                "name": k.name, "columns": list(k.columns), "table": f"{k.schema}.{k.table}", "ref_columns": list(k.ref_columns),
                "on_delete": k.on_delete or "no action",
            }
            for k in table.foreign_keys
        ],
        "checks": [{"name": check.name, "definition": check.definition} for check in table.checks],
        "indexes": [
            {"name": i.name, "definition": i.definition, "unique": i.unique, "valid": i.valid, "partial": i.partial} for i in table.indexes
        ],
        "triggers": [{"name": t.name, "definition": t.definition, "enabled": t.enabled} for t in table.triggers],
        "partition_key": table.partition_key or None,
        "partitions": [{"name": p.name, "bound": p.bound} for p in tables if p.parent == table.oid],
    }  # fmt: skip
