"""One command, from its arguments to its exit code: `run` is the only place that prints an error and exits."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from devstack.cli.app import build
from devstack.cli.console import Console
from devstack.cli.elsewhere import called_here
from devstack.errors import DevstackError, Interrupted


def run() -> NoReturn:
    """Run the command in `sys.argv`; every error becomes one screen and its exit code."""
    _open_closed_streams()
    if len(sys.argv) > 2 and sys.argv[1] in ("--show-completion", "--install-completion"):
        # The shell that is named counts, not the one Typer finds among our parents: a script may have none.
        os.environ["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"
    console = Console()
    unknown = called_here(sys.argv[1]) if len(sys.argv) > 1 else None
    if unknown is not None:
        _leave(console, unknown)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        build(sys.argv[1:])(obj=console, standalone_mode=True)
    except KeyboardInterrupt:
        _leave(console, _interrupted())
    except SystemExit as end:
        # Typer has made an exit of these two.
        if _came_of(end, KeyboardInterrupt):
            _leave(console, _interrupted())
        if _came_of(end, BrokenPipeError):
            _exit(0)
        _exit(end.code if isinstance(end.code, int) else int(bool(end.code)))
    except DevstackError as error:
        _leave(console, error)
    except BrokenPipeError:
        # The reader went away (`devstack logs | head`): nothing more to say, and nowhere to say it.
        _exit(0)
    except OSError as error:
        _leave(console, DevstackError(f"{error.strerror or error}: {error.filename}" if error.filename else str(error)))
    except Exception as bug:  # noqa: BLE001 - a person gets one screen, whatever went wrong
        # A signal inside an import comes out of it as another error (of `__set_name__`, say).
        _leave(console, _interrupted() if _came_of(bug, KeyboardInterrupt) else _bug(bug))
    _exit(0)


def _open_closed_streams() -> None:
    """A stream that the caller has closed (`devstack up >&-`) leads nowhere; left closed, the next file opened would take its number."""
    for name, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
            setattr(sys, name, os.fdopen(descriptor, mode))


def _came_of(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether an error of this kind is the reason, directly or not."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error is not None


def _leave(console: Console, error: DevstackError) -> NoReturn:
    try:
        console.error(error)
    except OSError:
        _exit(1)
    _exit(int(error.exit))


def _bug(error: Exception) -> DevstackError:
    """A fault of devstack's own: where it is, and how to see all of it."""
    import traceback

    if os.environ.get("DEVSTACK_DEBUG"):
        traceback.print_exception(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return DevstackError(
        f"devstack itself failed: {type(error).__name__}: {error}",
        details=[("at", f"{Path(last.filename).name}:{last.lineno} in {last.name}")],
        hints=["run the command again", "DEVSTACK_DEBUG=1 shows the whole trace, for a bug report"],
        code="bug",
    )


def _interrupt(number: int, frame: FrameType | None) -> None:
    """The first signal ends the command in an orderly way, a second one at once.

    It is a KeyboardInterrupt, so that nothing that deals with errors on its way takes it for one.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(130))
    raise KeyboardInterrupt


def _interrupted() -> Interrupted:
    return Interrupted("interrupted", hints=["what was started stays; run the command again to go on, or devstack down"])


def _exit(code: int) -> NoReturn:
    """Leave without waiting for threads that still hold a call to the engine."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            continue  # nobody reads what is left
        except OSError:
            code = code or 1
    os._exit(code)
