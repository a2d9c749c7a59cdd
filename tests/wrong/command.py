"""The whole command line in a process of its own, forked from one that has loaded it: quick enough for a long table."""

from __future__ import annotations

import multiprocessing
import os
import sys
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path

LOADED = ["devstack.cli.app", "devstack.cli.session", "devstack.compose.load", "devstack.spec.load", "devstack.render.render"]
NOWHERE = "unix:///nonexistent.sock"
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a command wrote and how it ended; -1 when it had to be ended."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


def server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    return context


def say(arguments: tuple[str, ...], folder: Path, outputs: Path, given: bytes = b"", **environment: str) -> Said:
    """Run `devstack arguments` in a folder, through `main`, on a machine without an engine."""
    files = [outputs / name for name in ("in", "out", "err")]
    files[0].write_bytes(given)
    process = server().Process(target=_child, args=(arguments, folder, files, environment))
    process.start()
    process.join(PATIENCE)
    if process.is_alive():
        process.kill()
        process.join()
        return Said(-1, files[1].read_text(), files[2].read_text())
    return Said(process.exitcode or 0, files[1].read_text(), files[2].read_text())


def _child(arguments: tuple[str, ...], folder: Path, files: list[Path], environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update({"PATH": "/usr/bin:/bin", "HOME": str(folder), "DOCKER_HOST": NOWHERE, "LC_ALL": "C.UTF-8", **environment})
    os.chdir(folder)
    for descriptor, path in enumerate(files):
        opened = os.open(path, os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, descriptor)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.argv = ["devstack", *arguments]
    from devstack.cli import main

    main()
