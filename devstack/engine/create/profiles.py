"""Seccomp profiles: the engine takes the rules themselves, the Compose file names a file with them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from devstack.compose.model import Service
from devstack.errors import DevstackError

_NO_FILE = ("unconfined", "builtin")


def with_profiles(service: Service, directory: Path) -> Service:
    """The service with the rules in place of each `seccomp:<file>`; paths are relative to the project's folder."""
    options = tuple(_read(service, option, directory) for option in service.security_opt)
    return service if options == service.security_opt else replace(service, security_opt=options)


def _read(service: Service, option: str, directory: Path) -> str:
    key, separator, value = option.partition("=") if "=" in option else option.partition(":")
    if key != "seccomp" or not separator or value in _NO_FILE or value.lstrip().startswith("{"):
        return option
    path = directory / Path(value).expanduser()
    try:
        rules = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else f"it is no JSON: {error}"
        raise DevstackError(
            f"{service.name}: the seccomp profile {path} cannot be read ({why})",
            hints=[f"mend the file, or take {option} out of services.{service.name}.security_opt"],
        ) from error
    return f"seccomp={json.dumps(rules, separators=(',', ':'), ensure_ascii=False)}"
