r"""Files that a script brings in: \i and \ir, and the data of \copy. They stay inside the project's folder."""

from __future__ import annotations

import hashlib
import re

from devstack.database import scanner
from devstack.database.environment import Environment
from devstack.database.script import checksum
from devstack.errors import SpecError

_BRINGS_IN = re.compile(rb"\\(?:i|copy)")


def file_checksum(data: bytes, name: str, environment: Environment) -> str:
    """The ledger's checksum of a script: of its own bytes, and of every file that it includes or copies from.

    A script that is no text has the checksum of its own bytes: it says what is wrong when it is run.
    """
    if environment.root is None or _BRINGS_IN.search(data) is None:
        return checksum(data)
    own = checksum(data)
    try:
        files = dict(scanner.files_of(data, name, environment))
    except SpecError:
        return own
    if not files:
        return own
    total = hashlib.sha256(own.encode())
    for shown, path in files.items():
        try:
            content = checksum(path.read_bytes())
        except OSError:
            content = "missing"
        total.update(f"\n{shown} {content}".encode())
    return f"sha256-lf:{total.hexdigest()}"
