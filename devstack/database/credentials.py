"""The password of the database's user, put right over the container's own socket, where the official images ask for none."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from devstack.compose.roles import Postgres
from devstack.engine.base import Engine
from devstack.errors import DatabaseError

_ROUNDS = 4096
_SALT = 16


def set_password(engine: Engine, container: str, role: Postgres, password: str) -> None:
    """Give the role's user this password. It travels on stdin, and only its verifier: no argument, process list or server log has it.

    Raises DatabaseError when the socket asks for a password too, or the user is not there.
    """
    user = '"' + role.user.replace('"', '""') + '"'
    statement = f"ALTER ROLE {user} PASSWORD '{verifier(password)}';\n"
    argv = ["psql", "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-U", role.user, "-p", str(role.port), "-d", "postgres"]
    result = engine.exec(container, argv, environment={"PGHOST": "", "PGPASSWORD": ""}, stdin=statement.encode())
    if result.exit_code == 0:
        return
    said = (result.stderr or result.stdout).decode(errors="replace").strip()
    hints = [f"devstack logs {role.service}"]
    if "does not exist" in said:
        hints = [f"the volume was initialised with another user than {role.user}: put that one back, or devstack reset --hard"]
    elif "password" in said:
        hints = [f"put the old password of {role.user} back into .env, and change it with ALTER ROLE in devstack db-shell"]
    raise DatabaseError(f"{role.service} does not let {role.user} in without a password", details=[("psql", said)], hints=hints)


def verifier(password: str) -> str:
    """What the server keeps instead of the password (SCRAM-SHA-256, RFC 5803)."""
    salt = os.urandom(_SALT)
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password).encode(), salt, _ROUNDS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    told = [base64.b64encode(part).decode() for part in (salt, client, server)]
    return f"SCRAM-SHA-256${_ROUNDS}:{told[0]}${told[1]}:{told[2]}"


def _prepared(password: str) -> str:
    """As SASLprep makes it; a password that it forbids is taken as it is, as PostgreSQL does."""
    if password.isascii():
        return password
    import stringprep
    import unicodedata

    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
    made = unicodedata.normalize("NFKC", mapped)
    forbidden = (
        stringprep.in_table_c12,
        stringprep.in_table_c21_c22,
        stringprep.in_table_c3,
        stringprep.in_table_c4,
        stringprep.in_table_c5,
        stringprep.in_table_c6,
        stringprep.in_table_c7,
        stringprep.in_table_c8,
        stringprep.in_table_c9,
        stringprep.in_table_a1,
    )
    return password if not made or any(test(c) for c in made for test in forbidden) else made
