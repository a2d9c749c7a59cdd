"""Migration tools that devstack knows: how each is told to migrate, to say what is pending, and to look for drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool. `status` ends with 0 when nothing is pending, `drift` when models and schema agree; () where it has no such command.

    `blind` says what its drift check does not see. `plain_url` is for tools that know no SQLAlchemy address ("postgresql+asyncpg://"), `query` is
    added to the address: dbmate wants TLS unless it is told otherwise.
    """

    apply: Words = ()
    status: Words = ()
    drift: Words = ()
    blind: str = ""
    plain_url: bool = True
    query: str = ""


_PRISMA = ("npx", "--no-install", "prisma")
_PRISMA_SCHEMA = "prisma/schema.prisma"

TOOLS: Mapping[str, Tool] = {
    "alembic": Tool(
        apply=("alembic", "upgrade", "head"),
        status=("alembic", "current", "--check-heads"),
        drift=("alembic", "check"),
        blind="renames, server defaults, the text of CHECK constraints, sequences, labels of enums",
        plain_url=False,
    ),
    "prisma": Tool(
        apply=(*_PRISMA, "migrate", "deploy"),
        status=(*_PRISMA, "migrate", "status"),
        drift=(
            *_PRISMA, "migrate", "diff", "--from-schema-datasource", _PRISMA_SCHEMA, "--to-schema-datamodel", _PRISMA_SCHEMA,
            "--exit-code",
        ),
        blind="whatever schema.prisma cannot say: partitions, triggers, CHECK constraints, views",
    ),
    "django": Tool(
        apply=("python", "manage.py", "migrate", "--noinput"),
        status=("python", "manage.py", "migrate", "--check"),
        drift=("python", "manage.py", "makemigrations", "--check", "--dry-run"),
        blind="the database itself: it compares the models with the migration files",
    ),
    "dbmate": Tool(
        apply=("dbmate", "--no-dump-schema", "--wait", "up", "--strict"),
        status=("dbmate", "status", "--exit-code"),
        query="sslmode=disable",
    ),
    "command": Tool(plain_url=False),
}  # fmt: skip
