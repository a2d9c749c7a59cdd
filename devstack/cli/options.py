"""Options that commands share, and what they are called in the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devstack.errors import UsageError

if TYPE_CHECKING:
    from devstack.project import Selection


def complete_service(incomplete: str) -> list[str]:
    """Service names for shell completion, from the files of the current folder; nothing when they cannot be read."""
    from devstack.errors import DevstackError
    from devstack.project import Selection, read

    try:
        stack = read(Selection()).stack
    except DevstackError:
        return []
    return [name for name in (*stack.services, *stack.disabled) if name.startswith(incomplete)]


File = Annotated[
    list[Path] | None,
    typer.Option("--file", "-f", help="A devstack.yml, or Compose files (repeatable).", envvar="DEVSTACK_FILE", show_envvar=False),
]
ProjectName = Annotated[
    str | None, typer.Option("--project-name", "-p", help="Project name.", envvar="DEVSTACK_PROJECT_NAME", show_envvar=False)
]
Profile = Annotated[
    list[str] | None,
    typer.Option("--profile", help="Enable a profile (repeatable).", envvar="DEVSTACK_PROFILE", show_envvar=False),
]
EnvFile = Annotated[
    list[Path] | None,
    typer.Option(
        "--env-file", help="Read variables from here instead of .env (repeatable).", envvar="DEVSTACK_ENV_FILE", show_envvar=False
    ),
]
ProjectDirectory = Annotated[
    Path | None,
    typer.Option(
        "--project-directory",
        help="The folder relative paths begin in, and files are looked for in.",
        envvar="DEVSTACK_PROJECT_DIRECTORY",
        show_envvar=False,
    ),
]
EngineName = Annotated[
    str | None,
    typer.Option("--engine", help="auto, docker, native, or an engine's address.", envvar="DEVSTACK_ENGINE", show_envvar=False),
]
AllowVersionMismatch = Annotated[
    bool,
    typer.Option(
        "--allow-version-mismatch",
        help="On the native engine, take programs of another major version.",
        envvar="DEVSTACK_ALLOW_VERSION_MISMATCH",
        show_envvar=False,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Answer with one JSON document on stdout.", envvar="DEVSTACK_JSON", show_envvar=False)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", envvar="DEVSTACK_YES", show_envvar=False)]
LockTimeout = Annotated[
    float,
    typer.Option("--lock-timeout", help="Seconds to wait for another command.", envvar="DEVSTACK_LOCK_TIMEOUT", show_envvar=False),
]
Timeout = Annotated[
    float, typer.Option("--timeout", help="Seconds the whole command may take.", envvar="DEVSTACK_TIMEOUT", show_envvar=False)
]
Services = Annotated[list[str] | None, typer.Argument(help="Services; all when none is named.", autocompletion=complete_service)]
Service = Annotated[str, typer.Argument(help="The service.", autocompletion=complete_service)]
OptionalService = Annotated[str | None, typer.Argument(help="The service.", autocompletion=complete_service)]


def selection(
    file: list[Path] | None,
    project_name: str | None,
    profile: list[str] | None,
    env_file: list[Path] | None,
    services: list[str] | None = None,
    directory: Path | None = None,
) -> Selection:
    """The shared options as one value."""
    # `--help` and `--version` import this module too, and need nothing of what reads a stack.
    from devstack.project import Selection

    return Selection(
        files=tuple(file or ()),
        project_name=project_name or "",
        profiles=tuple(profile or ()),
        env_files=tuple(env_file or ()),
        services=tuple(services or ()),
        directory=directory,
    )


def numbers(pairs: list[str] | None, option: str) -> dict[str, int]:
    """SERVICE=N options as a mapping."""
    found: dict[str, int] = {}
    for pair in pairs or ():
        name, equals, number = pair.partition("=")
        if not (name and equals and number.isascii() and number.isdigit()):
            raise UsageError(f"{option} {pair}: this is not SERVICE=NUMBER", hints=[f"{option} db=5433"])
        found[name] = int(number)
    return found


def variables(pairs: list[str] | None) -> dict[str, str]:
    """NAME=VALUE options as a mapping; a bare NAME is taken from the environment."""
    found: dict[str, str] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        found[name] = value if equals else os.environ.get(name, "")
    return found
