"""The role of `db-shell --read-only`: it logs in as somebody who may read everything and write nothing.

What a session may do is decided by who logged in, so neither SET, RESET ROLE nor SET SESSION AUTHORIZATION leads out of it. Its
password is derived from the owner's: nothing has to be stored, and everybody who has the .env file comes to the same one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import replace
from typing import NamedTuple

from devstack.database.connection import Connection, connect
from devstack.database.outcome import StatementRefused
from devstack.database.target import Target
from devstack.errors import Refused

ROLE = "devstack_ro"
_OLDEST = 140000
_ROUNDS = 4096
_HAPPENED_MEANWHILE = {"42710", "23505", "XX000"}
"""Another session made or changed the role at the same moment."""
_ATTRIBUTES = "LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"


class Reader(NamedTuple):
    """Where and as whom to log in. `unguarded`: the server lets every role in without a password, so `\\c` can become another one."""

    target: Target
    unguarded: bool


def reader_of(owner: Target, *, application_name: str, deadline: float | None = None) -> Reader:
    """The same database for reading only; the role is made, or put right, as the owner.

    Raises Refused where the server has no such role to give (before PostgreSQL 14, or the owner may not make roles).
    """
    password = _derived(owner)
    reader = replace(owner, user=ROLE, password=password)
    with connect(owner, application_name=application_name, deadline=deadline) as connection:
        if connection.version < _OLDEST:
            raise Refused(
                "--read-only needs PostgreSQL 14 or newer, whose role pg_read_all_data may read everything",
                details=[("server", str(connection.version // 10000))],
            )
        try:
            _prepare(connection, password)
        except StatementRefused as error:
            if error.fault.sqlstate == "42501":
                hint = f"as a superuser: CREATE ROLE {ROLE} LOGIN; GRANT pg_read_all_data TO {ROLE};"
                raise Refused(f"{owner.user} may not make the role {ROLE}: {error.fault.message}", hints=[hint]) from None
            if error.fault.sqlstate not in _HAPPENED_MEANWHILE:
                raise
            _prepare(connection, password)
        return Reader(reader, _lets_everybody_in(connection))


def _prepare(connection: Connection, password: str) -> None:
    """Bring the role to what it must be; when it is that already, nothing is written."""
    statements = _missing(connection, password)
    if not statements:
        return
    fault = connection.run(f"BEGIN; {'; '.join(statements)}; COMMIT")
    if fault is not None:
        connection.run("ROLLBACK")
        raise StatementRefused(fault)


def _missing(connection: Connection, password: str) -> list[str]:
    powerful, database = connection.rows("SELECT rolsuper, current_database()::text FROM pg_roles WHERE rolname = current_user")[0]
    attributes = _ATTRIBUTES + (" BYPASSRLS" if powerful else "")
    verifier = _verifier(password)
    there = connection.rows(
        "SELECT rolcanlogin AND rolinherit AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication)"
        " AND (rolbypassrls OR NOT %s) AND rolconfig @> ARRAY['default_transaction_read_only=on'] FROM pg_roles WHERE rolname = %s",
        (powerful, ROLE),
    )
    known = connection.rows("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (ROLE,)) if powerful and there else []
    statements = []
    if not there:
        statements.append(f"CREATE ROLE {ROLE} {attributes} PASSWORD {connection.literal(verifier)}")
    elif not there[0][0] or known != [(verifier,)]:
        statements.append(f"ALTER ROLE {ROLE} {attributes} PASSWORD {connection.literal(verifier)}")
    if not there or not there[0][0]:
        statements.append(f"ALTER ROLE {ROLE} SET default_transaction_read_only = on")
    member_of = [row[0] for row in connection.rows(_MEMBER_OF, (ROLE,))]
    statements += [f"REVOKE {connection.identifier(role)} FROM {ROLE}" for role in member_of if role != "pg_read_all_data"]
    if "pg_read_all_data" not in member_of:
        statements.append(f"GRANT pg_read_all_data TO {ROLE}")
    if there and not connection.rows("SELECT has_database_privilege(%s, current_database(), 'CONNECT')", (ROLE,))[0][0]:
        statements.append(f"GRANT CONNECT ON DATABASE {connection.identifier(database)} TO {ROLE}")
    return statements


def _lets_everybody_in(connection: Connection) -> bool:
    """Whether the server's rules trust whoever comes over the network; False where they cannot be read."""
    try:
        return bool(connection.rows(_TRUSTING)[0][0])
    except StatementRefused:
        return False


_TRUSTING = """
SELECT count(*) > 0 FROM pg_hba_file_rules WHERE auth_method = 'trust' AND type LIKE 'host%'
AND coalesce(address, 'all') NOT IN ('127.0.0.1', '::1', 'localhost') AND NOT 'replication' = ANY(database)"""
_MEMBER_OF = """
SELECT r.rolname::text FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles o ON o.oid = m.member
WHERE o.rolname = %s"""


def _derived(owner: Target) -> str:
    if not owner.password:
        return secrets.token_hex(16)
    return hmac.new(owner.password.encode(), f"{ROLE} of {owner.service}".encode(), hashlib.sha256).hexdigest()[:32]


def _verifier(password: str) -> str:
    """What the server keeps instead of the password (RFC 5803); so that not even its log can show the password."""
    salt = hashlib.sha256(b"salt " + password.encode()).digest()[:16]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)
    stored = hashlib.sha256(hmac.new(salted, b"Client Key", hashlib.sha256).digest()).digest()
    server = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    in_base64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ROUNDS, *in_base64)
