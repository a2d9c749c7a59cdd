"""What is shown: answers on stdout, the story on stderr, everything masked.

Off a terminal, or with `CI` set, there is no colour, no prompt and no redrawing. With `--json` stdout carries exactly one JSON
document: `{"ok", "error", "data", "meta"}`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from devstack import __version__
from devstack.errors import DevstackError, SpecError, describe

if TYPE_CHECKING:
    from devstack.compose.model import Json
    from devstack.redact import Redactor

SERVICE_COLOURS = ("36", "33", "32", "35", "34", "96", "93", "92", "95", "94")
COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2", "bold": "1"}


def is_interactive(stream: TextIO) -> bool:
    """Whether a person sits at this stream and may be asked or shown a moving picture."""
    return stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def coloured(stream: TextIO) -> bool:
    """Whether colour may be written to the stream."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_interactive(stream)


class Console:
    """The one place that writes. `command` and the time since `begun` go into the JSON document."""

    def __init__(self, command: str = "", *, as_json: bool = False) -> None:
        self.command = command
        self.as_json = as_json
        self.begun = time.monotonic()
        self.secrets: tuple[str, ...] = ()
        self.answered = False

    @cached_property
    def redactor(self) -> Redactor:
        """What masks everything that is written; `--help` and `--version` write nothing and need none."""
        from devstack.redact import Redactor

        return Redactor(self.secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these values from now on."""
        self.secrets = tuple(secrets)
        self.__dict__.pop("redactor", None)

    def unmask(self) -> None:
        """Write everything as it is from now on, for an answer that another program is to read."""
        from devstack.redact import Unmasked

        self.__dict__["redactor"] = Unmasked()

    def paint(self, text: str, colour: str, stream: TextIO | None = None) -> str:
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if coloured(stream or sys.stderr) else text

    def paint_service(self, text: str, service: str) -> str:
        """A service's text in its own colour, for a log on stdout."""
        if not coloured(sys.stdout):
            return text
        return f"\x1b[{SERVICE_COLOURS[sum(service.encode()) % len(SERVICE_COLOURS)]}m{text}\x1b[0m"

    def say(self, line: str) -> None:
        """A line of the story, on stderr."""
        _write(sys.stderr, self.redactor.mask(line) + "\n")

    def out(self, text: str, *, end: str = "\n") -> None:
        """A piece of the answer, on stdout."""
        _write(sys.stdout, self.redactor.mask(text) + end)

    def raw(self, text: str) -> None:
        """An answer that was asked for with its secrets (`devstack env`)."""
        _write(sys.stdout, text + "\n")

    def label(self, label: str, text: str) -> None:
        """A line of the story that begins with a word in its own column."""
        self.say(f"{label:<8} {text}")

    def answer(self, data: Json, text: str | None = None, *, ok: bool = True) -> None:
        """The command's answer: the JSON document with `--json`, else the text."""
        self.answered = True
        if self.as_json:
            self._document(ok=ok, data=data, error=None)
        elif text is not None:
            self.out(text)

    def answer_with_secrets(self, data: Json) -> None:
        """The JSON document of a command that was asked for secrets."""
        self.answered = True
        self._document(ok=True, data=data, error=None, masked=False)

    def error(self, error: DevstackError) -> None:
        """Show an error: on stderr for people, as the document's `error` with `--json`."""
        if self.as_json and not self.answered:
            self._document(ok=False, data=None, error=error)
            return
        for line in describe(error):
            self.say(self.paint(line, "red") if line.startswith("error:") else line)

    def _document(self, *, ok: bool, data: Json, error: DevstackError | None, masked: bool = True) -> None:
        import json

        seconds = round(time.monotonic() - self.begun, 3)
        meta: dict[str, Json] = {"command": self.command, "seconds": seconds, "version": __version__}
        document: Json = {"ok": ok, "error": as_json(error) if error else None, "data": data, "meta": meta}
        if masked:
            document = self._masked(document)
        _write(sys.stdout, json.dumps(document, ensure_ascii=False) + "\n")

    def _masked(self, value: Json) -> Json:
        """The value with every text in it masked; before it is written as JSON, whose escapes could hide a secret's form."""
        if isinstance(value, str):
            return self.redactor.mask(value)
        if isinstance(value, list):
            return [self._masked(item) for item in value]
        if isinstance(value, dict):
            return {key: self._masked(item) for key, item in value.items()}
        return value

    def ask(self, question: str, *, default: bool = False) -> bool:
        """Ask yes or no at the terminal. Off a terminal nobody can be asked, and the answer is `default`."""
        if not (is_interactive(sys.stdin) and is_interactive(sys.stderr)):
            return default
        _write(sys.stderr, f"{question} [y/N] ")
        return sys.stdin.readline().strip().lower() in ("y", "yes")


def as_json(error: DevstackError) -> dict[str, Json]:
    """An error as data; fields are only ever added."""
    document: dict[str, Json] = {
        "code": error.code,
        "exit": int(error.exit),
        "message": error.message,
        "where": str(error.where) if error.where else None,
        "details": dict(error.details),
        "hint": list(error.hints),
    }
    if isinstance(error, SpecError):
        document["problems"] = [
            {"where": str(p.where), "path": p.path, "message": p.message, "hint": p.hint or None} for p in error.problems
        ]
    return document


def columns(rows: Sequence[Sequence[str]], *, header: Sequence[str] = (), indent: str = "  ") -> str:
    """Rows as aligned columns of plain text."""
    table = [list(header), *map(list, rows)] if header else [list(row) for row in rows]
    widths = [max((len(row[i]) for row in table if i < len(row)), default=0) for i in range(max(map(len, table), default=0))]
    return "\n".join((indent + "  ".join(f"{cell:<{widths[i]}}" for i, cell in enumerate(row))).rstrip() for row in table)


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, errors="replace").decode(encoding))
        stream.flush()
