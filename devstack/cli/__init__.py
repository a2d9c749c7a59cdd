"""The command line. `main` is the only place that prints an error and exits."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def main() -> NoReturn:
    """Run a command; every error becomes one screen and its exit code."""
    from devstack.cli.app import app
    from devstack.cli.console import Console
    from devstack.errors import DevstackError

    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    console = Console()
    try:
        app(obj=console, standalone_mode=True)
    except DevstackError as error:
        _leave(console, error)
    except BrokenPipeError:
        # The reader went away (`devstack logs | head`): nothing more to say, and nowhere to say it.
        _exit(0)
    except OSError as error:
        _leave(console, DevstackError(f"{error.strerror or error}: {error.filename}" if error.filename else str(error)))
    _exit(0)


def _leave(console: object, error: object) -> NoReturn:
    from devstack.cli.console import Console, exit_code
    from devstack.errors import DevstackError

    assert isinstance(console, Console)
    assert isinstance(error, DevstackError)
    try:
        console.error(error)
    except OSError:
        _exit(1)
    _exit(exit_code(error))


def _interrupt(number: int, frame: FrameType | None) -> None:
    """The first signal ends the command in an orderly way, a second one at once."""
    from devstack.errors import Interrupted

    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(130))
    raise Interrupted("interrupted", hints=["what was started stays; run the command again to go on, or devstack down"])


def _exit(code: int) -> NoReturn:
    """Leave without waiting for threads that still hold a call to the engine."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 1
    os._exit(code)
