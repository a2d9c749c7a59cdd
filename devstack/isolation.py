"""`up --isolated` in a folder of plain Compose files: a name, ports and volumes of its own, without touching the files.

What is chosen is kept where `docker compose` looks too: COMPOSE_PROJECT_NAME and COMPOSE_FILE in `.env`, the ports in one more
Compose file. So both tools go on to see the same stack.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from devstack.compose.dotenv import EnvFile
from devstack.compose.model import Service, Stack
from devstack.compose.printed import printed
from devstack.document import read_text
from devstack.errors import DevstackError, UsageError
from devstack.identity import Bindable, free_ports
from devstack.private import private_folder

FOLDER, FILE = ".devstack", "isolated.yaml"
HEADER = """\
# Ports and names of this checkout only, written by `devstack up --isolated`.
# To go back: remove this file, and COMPOSE_FILE and COMPOSE_PROJECT_NAME from .env.
"""
Free = Callable[[Mapping[str, int]], Mapping[str, str]]


def isolate(stack: Stack, name: str, *, bindable: Bindable, used: Iterable[int], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Write what gives the stack the name and free ports; gives lines that say what was done."""
    if any(str(path) == "-" or not path.is_relative_to(stack.directory) for path in stack.files) or environment.get("COMPOSE_FILE"):
        raise UsageError(
            "--isolated keeps its ports in a file that .env names, which -f and COMPOSE_FILE in the shell would hide",
            hints=[f"devstack up -p {name}   (its own name; ports are yours to choose)", "leave out -f"],
        )
    moved = _moved_ports(stack, bindable, used)
    folder = stack.directory / FOLDER
    files = [str(path.relative_to(stack.directory)) for path in stack.files if path != folder / FILE]
    separator = environment.get("COMPOSE_PATH_SEPARATOR") or ":"
    env = stack.directory / ".env"
    text = EnvFile(read_text(env) if env.is_file() else "", ".env")
    text.set("COMPOSE_PROJECT_NAME", name)
    text.set("COMPOSE_FILE", separator.join([*files, f"{FOLDER}/{FILE}"]))
    try:
        (private_folder(folder) / FILE).write_text(HEADER + override(stack, moved), encoding="utf-8")
        _replace(env, text.text())
    except OSError as error:
        raise DevstackError(f"{error.filename} cannot be written: {error.strerror}") from error
    return (f"{FOLDER}/{FILE} and .env written", *(f"port {old} is now {new}" for old, new in moved.items()))


def override(stack: Stack, moved: Mapping[str, str]) -> str:
    """The Compose file that moves ports, and takes back names that only one stack of an engine can have."""
    lines = ["services:"]
    for service in stack.services.values():
        body = _service_lines(service, moved)
        lines += [f"  {json.dumps(service.name)}:", *body] if body else []
    if len(lines) == 1:
        lines = ["services: {}"]
    for section, items in (("networks", stack.networks), ("volumes", stack.volumes)):
        own = [key for key, item in items.items() if not item.external and item.name != f"{stack.name}_{key}"]
        lines += [f"{section}:"] if own else []
        lines += [f"  {json.dumps(key)}: {{name: !reset null}}" for key in own]
    return "\n".join(lines) + "\n"


def _service_lines(service: Service, moved: Mapping[str, str]) -> list[str]:
    lines = ["    container_name: !reset null"] if service.container_name else []
    ports = service.canonical.get("ports")
    entries = [dict(entry) for entry in ports if isinstance(entry, dict)] if isinstance(ports, list) else []
    if not any(str(entry.get("published")) in moved for entry in entries):
        return lines
    lines.append("    ports: !override")
    for entry in entries:
        published = str(entry.get("published", ""))
        lines.append("      - " + json.dumps(printed({**entry, "published": moved[published]} if published in moved else entry)))
    return lines


def _moved_ports(stack: Stack, bindable: Bindable, used: Iterable[int]) -> dict[str, str]:
    """Each host port that is fixed -> a free one near it. A range is left to the engine, which takes what is free in it."""
    fixed = {
        port.published: int(port.published)
        for service in stack.services.values()
        for port in service.ports
        if port.published.isdigit() and port.published != "0"
    }
    return free_ports(fixed, bindable, used)


def _replace(path: Path, text: str) -> None:
    """All or nothing; it may hold passwords, so nobody else may read it."""
    part = path.with_name(f"{path.name}.devstack-part")
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.chmod(mode)
    part.replace(path)
