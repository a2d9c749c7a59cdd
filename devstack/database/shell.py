"""Programs inside containers with our own stdin, stdout and stderr, and with a real terminal where we have one."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import BinaryIO, NamedTuple

from devstack.engine.base import Engine, Session

_CHUNK = 1 << 16


class Command(NamedTuple):
    """What to run in the container: arguments, environment, and the user there ("" is the container's own)."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    user: str


def wants_terminal(stdin: BinaryIO, stdout: BinaryIO) -> bool:
    """Whether both ends are a terminal; only then the program inside gets one."""
    return stdin.isatty() and stdout.isatty()


def run_shell(
    engine: Engine,
    container: str,
    command: Command,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    stderr: BinaryIO | None = None,
    terminal: bool | None = None,
    workdir: str = "",
) -> int:
    """Run a program in a container with our stdin and stdout; its exit code.

    On a terminal (both ends, unless `terminal` says otherwise) it gets one too: raw bytes, Ctrl-C among them, and the window's size
    whenever that changes; the terminal is set back however this ends. Elsewhere all of stdin is piped, and stdout and stderr stay
    apart.
    """
    source = stdin or sys.stdin.buffer
    out = stdout or sys.stdout.buffer
    err = stderr or sys.stderr.buffer
    use_terminal = wants_terminal(source, out) if terminal is None else terminal
    environment = dict(command.environment)
    if use_terminal:
        environment.setdefault("TERM", os.environ.get("TERM", "xterm"))
    session = engine.session(container, command.argv, tty=use_terminal, user=command.user, environment=environment, workdir=workdir)
    try:
        return talk(session, stdin=source, stdout=out, stderr=err, terminal=use_terminal)
    finally:
        session.close()


def talk(
    session: Session,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    stderr: BinaryIO | None = None,
    terminal: bool,
    listening: bool = True,
) -> int:
    """Our stdin, stdout and stderr are the program's until it ends; its exit code. Not `listening`, it is told nothing."""
    source = stdin or sys.stdin.buffer
    out = stdout or sys.stdout.buffer
    if terminal:
        with _raw(source), _following_size(session, source), _typing(session, source):
            _show(session, out, out)
    elif listening:
        with _typing(session, source):
            _show(session, out, stderr or sys.stderr.buffer)
    else:
        _show(session, out, stderr or sys.stderr.buffer)
    return session.exit_code()


def _show(session: Session, out: BinaryIO, err: BinaryIO) -> None:
    """Pass output on until the program ends. Whoever reads us may be gone first (`| head`): then nothing more is shown."""
    while (piece := session.receive()) is not None:
        stream, data = piece
        target = out if stream == "stdout" else err
        try:
            target.write(data)
            target.flush()
        except BrokenPipeError:
            return


@contextmanager
def _typing(session: Session, source: BinaryIO) -> Iterator[None]:
    """Feed what is typed or piped to the program, in a thread that ends with this context and leaves later input unread."""
    wake, waker = os.pipe()
    thread = threading.Thread(target=_feed, args=(session, source, wake), daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.write(waker, b"x")
        thread.join(1)
        os.close(waker)
        if not thread.is_alive():
            os.close(wake)


def _feed(session: Session, source: BinaryIO, wake: int) -> None:
    try:
        for data in _input(source, wake):
            session.send(data)
        session.close_stdin()
    except Exception:  # noqa: BLE001 - the program has ended; its exit code says the rest
        return


def _input(source: BinaryIO, wake: int) -> Iterator[bytes]:
    try:
        number = source.fileno()
    except OSError:
        while data := source.read(_CHUNK):
            yield data
        return
    while True:
        readable = select.select([number, wake], [], [])[0]
        if wake in readable:
            raise EOFError
        data = os.read(number, _CHUNK)
        if not data:
            return
        yield data


@contextmanager
def _raw(source: BinaryIO) -> Iterator[None]:
    """Every key goes to the program inside as it is, also Ctrl-C and Ctrl-Z."""
    number = source.fileno()
    before = termios.tcgetattr(number)
    # What was typed before this moment is for the program too, so it is not flushed.
    tty.setraw(number, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


@contextmanager
def _following_size(session: Session, source: BinaryIO) -> Iterator[None]:
    """Tell the program the window's size now and whenever it changes. Signals reach only the main thread."""

    def tell(signum: int = 0, frame: FrameType | None = None) -> None:
        size = os.get_terminal_size(source.fileno())  # the window's own: $COLUMNS may say something else
        session.resize(size.lines, size.columns)

    tell()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: Callable[[int, FrameType | None], object] | int | signal.Handlers | None = signal.signal(signal.SIGWINCH, tell)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
