"""`.env` and `.env.example`: all that differs between checkouts of a project. What a person wrote there stays."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.compose.dotenv import EnvFile, quote
from devstack.document import read_text
from devstack.render.instances import Instance, PortVariable
from devstack.render.model import MARK
from devstack.spec.find import shown

PROJECT = "COMPOSE_PROJECT_NAME"
_ALPHABET = string.ascii_letters + string.digits
_URL_SAFE = frozenset(_ALPHABET + "-._~")


def new_password() -> str:
    """28 letters and digits, 166 bits; nothing that a shell, a URL, YAML or an env file would read otherwise."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(28))


@dataclass(frozen=True, slots=True)
class Env:
    """The text of `.env` as it should be, its secrets, how many of them are new, and what to tell."""

    text: str
    secrets: tuple[str, ...]
    new_secrets: int
    notes: tuple[str, ...]


def env_file(
    path: Path,
    project: str | None,
    instances: Mapping[str, Instance],
    settings: Mapping[str, str],
    make_password: Callable[[], str],
    own_secrets: tuple[str, ...] = (),
) -> Env:
    """The file at `path` with what is missing added. Only `settings` and `project` change what is there. Raises `SpecError`."""
    file = EnvFile(read_text(path, shown(path)), shown(path)) if path.is_file() else EnvFile("", shown(path))
    if not file.text():
        file = EnvFile(
            "# Made by devstack for this checkout; not for version control. Values may be edited, lines added.\n", shown(path)
        )
    if project is not None:
        _put(file, PROJECT, project, "The project's name: what containers, networks and volumes of this checkout are called")
    made, new, notes = [], 0, []
    for instance in instances.values():
        for name, variable in instance.env.values():
            value = file.get(name)
            if not value and variable.secret:
                value = make_password()
                new += 1
                _put(file, name, value, variable.help)
            if value and variable.secret:
                made.append(value)
                if not set(value) <= _URL_SAFE:
                    notes.append(
                        f"{name} in {shown(path)} holds characters that a URL must escape, so connection URLs of {instance.name} are wrong; "
                        "use letters and digits, or set those URLs yourself"
                    )
    for name in own_secrets:
        value = file.get(name)
        if not value:
            value = make_password() + make_password()  # a key for HMAC-SHA256 has 32 bytes or more
            new += 1
            _put(file, name, value, "Made up by devstack")
        made.append(value)
    for name, value in settings.items():
        if name != PROJECT or project is None:
            _put(file, name, value, "Host ports of this checkout" if name.endswith("_PORT") else "")
    return Env(file.text(), tuple(made), new, tuple(notes))


def _put(file: EnvFile, name: str, value: str, comment: str) -> None:
    if name not in file:
        file.append({name: value}, comment)
    elif file.get(name) != value:
        file.set(name, value)


def example_file(
    path: Path,
    project: str,
    instances: Mapping[str, Instance],
    ports: tuple[PortVariable, ...],
    own_secrets: tuple[str, ...] = (),
) -> str:
    """`.env.example`: the same names, no secrets. A file of somebody's own keeps its lines and gets what is missing."""
    groups: list[tuple[str, list[str]]] = [("The project's name", [f"{PROJECT}={quote(project)}"])]
    for instance in instances.values():
        lines = [f"{name}=" if item.secret else f"# {name}={quote(item.default)}" for name, item in instance.env.values()]
        help_text = next((item.help for _, item in instance.env.values()), "")
        if lines:
            groups.append((f"{instance.name}: {help_text} (empty: devstack render makes one)", lines))
    if own_secrets:
        groups.append(("Secrets (empty: devstack render makes them up)", [f"{name}=" for name in own_secrets]))
    if ports:
        groups.append(("Host ports, each shown with its default", [f"# {port.variable}={port.default}" for port in ports]))
    own = read_text(path, shown(path)) if path.is_file() else ""
    if own and MARK not in own.splitlines()[0]:
        known = EnvFile(own, shown(path))
        secret = [line for _, lines in groups[1:] for line in lines if line.endswith("=")]
        missing = [line for line in secret if line.removesuffix("=") not in known]
        end = "" if own.endswith("\n") else "\n"
        return own + (end + "".join(f"{line}\n" for line in ("# Used by devstack", *missing)) if missing else "")
    head = f"# {MARK}: the variables of .env, without their secrets. `devstack render` writes .env itself.\n"
    return head + "".join(f"\n# {title}\n" + "".join(f"{line}\n" for line in lines) for title, lines in groups)
