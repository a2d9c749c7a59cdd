"""The flow of `db stats`: the sections of numbers, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.cli.console import columns
from devstack.cli.schema.describing import target_named
from devstack.cli.session import Session

if TYPE_CHECKING:
    from devstack.compose.model import Json
    from devstack.database.stats import Section

_BYTES = {"size", "total", "heap", "indexes", "wasted", "temp_bytes"}
_SHARES = {"share", "cache_hits"}
_WIDEST = 90


def show(session: Session, database: str | None, limit: int) -> None:
    """Answer with everything there is to measure."""
    from devstack.database.connection import connect
    from devstack.database.stats import gather

    target = target_named(session, database)
    with connect(target, application_name="devstack-stats", read_only=True) as connection:
        sections = gather(connection, limit=limit)
    data: dict[str, Json] = {"service": target.service, "database": target.database}
    for section in sections:
        data[section.name] = [dict(zip(section.columns, row, strict=True)) for row in section.rows]
    session.console.answer(data, None if session.console.as_json else "\n\n".join(_text(section) for section in sections))


def _text(section: Section) -> str:
    rows = [[_cell(name, value) for name, value in zip(section.columns, row, strict=True)] for row in section.rows]
    note = f"  ({section.note})" if section.note else ""
    if not rows:
        return f"{section.title}: none{note}"
    header = [name.replace("_", " ") for name in section.columns]
    return f"{section.title}{note}\n{columns(rows, header=header)}"


def _cell(name: str, value: Json) -> str:
    if value is None:
        return ""
    if name in _BYTES and isinstance(value, int):
        return _size(value)
    if name in _SHARES and isinstance(value, float):
        return f"{value:.0%}"
    if isinstance(value, int):
        return f"{value:,}" if name != "pid" else str(value)
    text = " ".join(str(value).split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _size(value: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value} B"
