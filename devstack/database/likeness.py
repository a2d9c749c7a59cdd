"""What CREATE DATABASE ... TEMPLATE does not copy: owner, rights, settings, connection limit, comment; and locale for a new one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from devstack.database.connection import Connection
from devstack.database.outcome import DatabaseMissing

_READ = """
SELECT d.datdba::regrole::text, d.datconnlimit, shobj_description(d.oid, 'pg_database'), t.spcname, d.datacl IS NULL,
  to_jsonb(d) - 'oid', to_jsonb(o) - 'oid', pg_encoding_to_char(d.encoding), d.oid
FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace JOIN pg_database o ON o.datname = 'template1'
WHERE d.datname = %s
"""
_RIGHTS = """
SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.privilege_type, a.is_grantable
FROM pg_database d, aclexplode(d.datacl) a WHERE d.oid = %s ORDER BY 1, 2
"""
_SETTINGS = """
SELECT CASE s.setrole WHEN 0 THEN '' ELSE s.setrole::regrole::text END, s.setconfig
FROM pg_db_role_setting s WHERE s.setdatabase = %s
"""
_LOCALE = ("encoding", "datcollate", "datctype", "datlocprovider", "daticulocale", "datlocale", "daticurules")
_LISTS = {
    "local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries", "temp_tablespaces",
    "unix_socket_directories",
}  # fmt: skip
"""Settings whose stored value is a list of quoted names already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How a database is dressed. Names of roles are quoted where they need it. `rights` None: as the server gives them.

    `settings` are (role or "", name, value). `locale` is a clause for CREATE DATABASE, "" where template1 has the same.
    """

    owner: str
    limit: int
    comment: str | None
    tablespace: str
    rights: tuple[tuple[str, str, bool], ...] | None
    settings: tuple[tuple[str, str, str], ...]
    locale: str


def read_likeness(connection: Connection, database: str) -> Likeness:
    """Raises DatabaseMissing."""
    found = connection.rows(_READ, (database,))
    if not found:
        raise DatabaseMissing(f"there is no database {database}")
    owner, limit, comment, tablespace, plain, now, template, encoding, oid = found[0]
    rights = None if plain else tuple((who, what, bool(again)) for who, what, again in connection.rows(_RIGHTS, (oid,)))
    settings = tuple((role, *pair.split("=", 1)) for role, config in connection.rows(_SETTINGS, (oid,)) for pair in config)
    same = all(now.get(key) == template.get(key) for key in _LOCALE)
    return Likeness(
        owner=owner,
        limit=limit,
        comment=comment,
        tablespace=tablespace,
        rights=rights,
        settings=settings,
        locale="" if same else _locale(connection, now, encoding),
    )


def dressing(connection: Connection, database: str, likeness: Likeness) -> list[str]:
    """The statements that dress a new database so."""
    return list(_dressing(connection, connection.identifier(database), likeness))


def _dressing(connection: Connection, name: str, likeness: Likeness) -> Iterator[str]:
    yield f"ALTER DATABASE {name} OWNER TO {likeness.owner}"
    if likeness.limit != -1:
        yield f"ALTER DATABASE {name} CONNECTION LIMIT {likeness.limit}"
    if likeness.rights is not None:
        yield f"REVOKE ALL ON DATABASE {name} FROM PUBLIC, {likeness.owner}"
        for who, what, again in likeness.rights:
            yield f"GRANT {what} ON DATABASE {name} TO {who}{' WITH GRANT OPTION' if again and who != likeness.owner else ''}"
    for role, setting, value in likeness.settings:
        given = value if setting in _LISTS else connection.literal(value)
        whom = f"ALTER ROLE {role} IN DATABASE {name}" if role else f"ALTER DATABASE {name}"
        yield f"{whom} SET {setting} TO {given or connection.literal('')}"
    if likeness.comment is not None:
        yield f"COMMENT ON DATABASE {name} IS {connection.literal(likeness.comment)}"


def _locale(connection: Connection, now: dict[str, object], encoding: str) -> str:
    said = [f"TEMPLATE template0 ENCODING {connection.literal(encoding)}"]
    said.append(f"LC_COLLATE {connection.literal(str(now['datcollate']))} LC_CTYPE {connection.literal(str(now['datctype']))}")
    provider = {"i": "icu", "b": "builtin"}.get(str(now.get("datlocprovider", "c")))
    locale = now.get("datlocale") or now.get("daticulocale")
    if provider and locale:
        word = "BUILTIN_LOCALE" if provider == "builtin" else "ICU_LOCALE"
        said.append(f"LOCALE_PROVIDER {provider} {word} {connection.literal(str(locale))}")
    if now.get("daticurules"):
        said.append(f"ICU_RULES {connection.literal(str(now['daticurules']))}")
    return " ".join(said)
