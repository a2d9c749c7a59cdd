"""Words for a command that other tools use, and what devstack calls it."""

from __future__ import annotations

from devstack.cli.app import COMMANDS, GROUPS
from devstack.errors import UsageError

HERE = {
    "attach": "logs -f SERVICE",
    "backup": "db dump FILE",
    "bash": "exec SERVICE bash",
    "check": "verify",
    "clean": "reset",
    "create": "init",
    "delete": "down",
    "describe": "status",
    "destroy": "down",
    "dev": "watch",
    "diagnose": "doctor",
    "export": "db dump FILE",
    "generate": "render",
    "import": "db load FILE",
    "info": "doctor",
    "inspect": "status",
    "lint": "config -q",
    "list": "ls",
    "migrate": "schema apply",
    "migration": "schema new NAME",
    "migrations": "schema status",
    "new": "init",
    "open": "status",
    "pgcli": "db-shell --pgcli",
    "psql": "db-shell",
    "rebuild": "up --build",
    "recreate": "up --force-recreate",
    "redis-cli": "redis-shell",
    "rollback": "undo",
    "scale": "up --scale SERVICE=N",
    "seed": "schema apply",
    "sh": "exec SERVICE sh",
    "shell": "db-shell",
    "sql": "db-shell",
    "ssh": "exec SERVICE sh",
    "sync": "watch",
    "teardown": "down",
    "test": "verify",
    "update": "up --pull",
    "upgrade": "up --pull",
    "url": "status",
    "urls": "status",
    "validate": "config -q",
    "version": "--version",
    "volumes": "config --volumes",
}
"""word -> the rest of the command line."""


def called_here(word: str) -> UsageError | None:
    """The error that names the command meant by `word`; None where `word` is a command, or nothing is known of it."""
    if word in dict(COMMANDS) or word in GROUPS:
        return None
    if word == "compose":
        return UsageError("no such command: compose", hints=["leave the word out: devstack up, devstack logs, devstack exec, ..."])
    found = [HERE[word]] if word in HERE else [f"{group} {word}" for group, (_, names) in GROUPS.items() if word in dict(names)]
    return UsageError(f"no such command: {word}", hints=[f"devstack {rest}" for rest in found]) if found else None
