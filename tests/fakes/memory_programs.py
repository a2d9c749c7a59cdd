"""A handful of programs for containers that exist in memory only: enough of busybox for tests."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

KNOWN = ("sleep", "true", "false", "cat", "echo", "sh", "cp", "exit")


@dataclass(slots=True)
class Run:
    """One run of a program: its files by path, its input, where its lines go, and the event that ends it early."""

    read: Callable[[str], bytes | None]
    write: Callable[[str, bytes], None]
    emit: Callable[[str, bytes], None]
    stdin: bytes = b""
    stopped: threading.Event = field(default_factory=threading.Event)


class Exit(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def run(command: Sequence[str], on: Run) -> int:
    """Run a command to its end; its exit code."""
    try:
        return _run(command, on, "stdout")
    except Exit as end:
        return end.code


def _run(command: Sequence[str], on: Run, stream: str) -> int:
    match list(command):
        case ["true"]:
            return 0
        case ["false"]:
            return 1
        case ["exit", code]:
            raise Exit(int(code))
        case ["sleep", seconds]:
            return 137 if on.stopped.wait(float(seconds)) else 0
        case ["echo", *words]:
            on.emit(stream, (" ".join(words) + "\n").encode())
            return 0
        case ["cat"]:
            on.emit(stream, on.stdin)
            return 0
        case ["cat", *paths]:
            return max(_cat(path, on, stream) for path in paths)
        case [("/bin/sh" | "sh"), "-c", script]:
            return _script(script, on)
    return 127


def _cat(path: str, on: Run, stream: str) -> int:
    data = on.read(path)
    if data is None:
        on.emit("stderr", f"cat: can't open '{path}': No such file or directory\n".encode())
        return 1
    on.emit(stream, data)
    return 0


def _script(script: str, on: Run) -> int:
    """Commands separated by semicolons, each with at most one redirection."""
    code = 0
    for statement in filter(None, map(str.strip, script.split(";"))):
        plain, to = re.subn(r"\s*>&2$", "", statement)
        target = re.search(r"\s*>\s*(/\S+)$", plain)
        if target:
            parts: list[bytes] = []
            inner = Run(on.read, on.write, lambda _, data, keep=parts: keep.append(data), on.stdin, on.stopped)  # type: ignore[misc]
            code = _run(shlex.split(plain[: target.start()]), inner, "stdout")
            on.write(target[1], b"".join(parts))
        else:
            code = _run(shlex.split(plain), on, "stderr" if to else "stdout")
        if on.stopped.is_set():
            return 137
    return code
