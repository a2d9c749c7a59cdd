"""The Typer application: the commands, in the order `--help` shows them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated

import typer

from devstack import __version__

COMMANDS = (
    ("init", "init"),
    ("up", "up"),
    ("down", "down"),
    ("stop", "stop"),
    ("start", "start"),
    ("restart", "restart"),
    ("status", "status"),
    ("ps", "status"),
    ("logs", "logs"),
    ("exec", "execute"),
    ("db-shell", "db_shell"),
    ("redis-shell", "redis_shell"),
    ("verify", "verify"),
    ("reset", "reset"),
    ("undo", "undo"),
    ("env", "env"),
    ("render", "render"),
    ("spec", "spec"),
    ("kinds", "kinds"),
    ("doctor", "doctor"),
    ("run", "run"),
    ("build", "build"),
    ("pull", "pull"),
    ("push", "push"),
    ("cp", "cp"),
    ("watch", "watch"),
    ("config", "config"),
    ("kill", "kill"),
    ("pause", "pause"),
    ("unpause", "unpause"),
    ("wait", "wait"),
    ("rm", "rm"),
    ("port", "port"),
    ("top", "top"),
    ("images", "images"),
    ("ls", "ls"),
    ("events", "events"),
)
"""(name on the command line, module and function in this folder)."""
GROUPS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "schema": (
        "Look at the schema of the database, apply it, put its ledger right.",
        (
            ("status", "status"),
            ("show", "show"),
            ("apply", "apply"),
            ("diff", "diff"),
            ("new", "new"),
            ("lock", "lock"),
            ("baseline", "baseline"),
            ("repair", "repair"),
        ),
    ),
    "db": (
        "Keep, copy, bring back and examine the data.",
        (
            ("snapshot", "snapshot"),
            ("snapshots", "snapshots"),
            ("restore", "restore"),
            ("dump", "dump"),
            ("load", "load"),
            ("clone", "clone"),
            ("stats", "stats"),
            ("switch", "switch"),
            ("prune", "prune"),
            ("fix-credentials", "fix_credentials"),
        ),
    ),
}
"""group -> (help, its commands). A command `devstack db restore` is the function `restore` in `devstack/cli/db/restore.py`."""
HIDDEN = ("ps",)
AS_THEY_ARE = {"allow_interspersed_args": False, "ignore_unknown_options": True}
PASSES_ARGUMENTS = {"exec": AS_THEY_ARE, "run": AS_THEY_ARE}


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"devstack {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.", show_default=False)
    ] = False,
) -> None:
    """Describe a dev environment once in devstack.yml, start it, prove that it works."""


def build(arguments: Sequence[str] = ()) -> typer.Typer:
    """Make the application; the modules of commands import what is heavy only when they run.

    Where the arguments begin with a command, only that one is made, and none for `--version`: the options of all the others take
    a tenth of a quick command.
    """
    wanted = arguments[0] if arguments and arguments[0] in {*dict(COMMANDS), *GROUPS, "--version"} else None
    made = typer.Typer(
        name="devstack",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_options)
    for name, module in COMMANDS:
        if wanted in (None, name):
            function = getattr(importlib.import_module(f"devstack.cli.{module}"), module)
            made.command(name, hidden=name in HIDDEN, context_settings=PASSES_ARGUMENTS.get(name))(function)
    for name, (_, commands) in GROUPS.items():
        if commands and wanted in (None, name):
            made.add_typer(_group(name, arguments[1:]), name=name)
    return made


def _group(name: str, arguments: Sequence[str]) -> typer.Typer:
    """The commands of one group; only the named one is made where there is one, as above."""
    text, commands = GROUPS[name]
    named = [command for command in commands if arguments and command[0] == arguments[0]]
    made = typer.Typer(help=text, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
    made.callback()(_nothing)
    for command, module in named or commands:
        function = getattr(importlib.import_module(f"devstack.cli.{name}.{module}"), module)
        made.command(command)(function)
    return made


def _nothing() -> None: ...
