"""devstack in a process of its own that need not import it first.

Importing is most of what a short command does, and a run of the tests gives thousands of commands. Beside each worker stands a helper that
has imported devstack once and forks for each command: the child has its own folder, environment, streams and exit code, and runs the same
`main`. What a test kills, signals, shows a terminal, or gives settings of the interpreter is started from nothing all the same, and
`tests/cli/test_warm.py` holds that both ways answer alike.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

HOUSE = Path(__file__).parents[1]


def run(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], given: str | None = None, timeout: float
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run([sys.executable, "-m", "devstack", ...], capture_output=True, text=True)`; without input there is /dev/null."""
    ours, theirs = socket.socketpair()
    stdin, fill = os.pipe() if given is not None else (os.open(os.devnull, os.O_RDONLY), None)
    (out, stdout), (err, stderr) = os.pipe(), os.pipe()
    with theirs:
        socket.send_fds(_helper(), [b"."], [theirs.fileno(), stdin, stdout, stderr])
    for descriptor in (stdin, stdout, stderr):
        os.close(descriptor)
    said = [bytearray(), bytearray()]
    streams = [threading.Thread(target=_drain, args=pair, daemon=True) for pair in ((out, said[0]), (err, said[1]))]
    if fill is not None:
        streams.append(threading.Thread(target=_fill, args=(fill, (given or "").encode()), daemon=True))
    for thread in streams:
        thread.start()
    with ours, ours.makefile("rw") as talk:
        talk.write(json.dumps({"arguments": list(arguments), "cwd": str(cwd), "env": dict(env)}) + "\n")
        talk.flush()
        child = int(talk.readline())
        ours.settimeout(timeout)
        try:
            code = int(talk.readline())
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(arguments), timeout, bytes(said[0]), bytes(said[1])) from None
    for thread in streams:
        thread.join(timeout)
    return subprocess.CompletedProcess(list(arguments), code, *map(_text, said))


def _text(said: bytearray) -> str:
    return said.decode().replace("\r\n", "\n").replace("\r", "\n")


def _drain(descriptor: int, said: bytearray) -> None:
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        while piece := stream.read(65536):
            said += piece


def _fill(descriptor: int, given: bytes) -> None:
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as stream:
            while given:
                given = given[stream.write(given) :]
    except BrokenPipeError:
        pass  # a command need not read what it is given


@cache
def _helper() -> socket.socket:
    """The way to this process's helper, which ends when this end of the socket is closed."""
    ours, theirs = socket.socketpair()
    with theirs:
        subprocess.Popen([sys.executable, "-m", "tests.warm", str(theirs.fileno())], cwd=HOUSE, pass_fds=[theirs.fileno()])
    return ours


def serve(door: socket.socket) -> None:
    """Fork a child for each byte that comes with its four descriptors, and tell each one's exit code."""
    import devstack

    for module in pkgutil.walk_packages(devstack.__path__, "devstack."):
        if not module.name.endswith(("__main__", "pytest_plugin")):
            import_module(module.name)
    for name in ("docker", "jinja2", "psycopg", "rich.table", "rich.live"):
        import_module(name)
    gc.freeze()
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    running: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([door, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            _tell(running)
        if door in ready:
            message, descriptors, _, _ = socket.recv_fds(door, 1, 4)
            if not message:
                return
            talk, *streams = descriptors
            child = os.fork()
            if not child:
                _become(talk, streams)
            for descriptor in streams:
                os.close(descriptor)
            running[child] = socket.socket(fileno=talk)
            running[child].sendall(b"%d\n" % child)


def _tell(running: dict[int, socket.socket]) -> None:
    for child, talk in list(running.items()):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            with running.pop(child), suppress(BrokenPipeError):  # nobody waits any more for one that was given up
                talk.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(talk: int, streams: Sequence[int]) -> NoReturn:
    """What `python -m devstack` has from its start: signals, streams, descriptors, environment, folder, path and arguments."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with os.fdopen(os.dup(talk)) as lines:
            wanted = json.loads(lines.readline())
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
        os.closerange(3, 256)
        os.environ.clear()
        os.environ.update(wanted["env"])
        time.tzset()
        os.chdir(wanted["cwd"])
        sys.path[0] = wanted["cwd"]
        sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
        sys.argv[1:] = wanted["arguments"]
        runpy.run_module("devstack", run_name="__main__", alter_sys=True)
    except BaseException:  # noqa: BLE001 - as an interpreter ends: with the trace, whatever it was
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
