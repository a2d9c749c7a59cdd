r"""psql's meta-commands: how their words are read, and what becomes of each: done here, passed over, left to psql, or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from devstack.database import variables as variable

Kind = Literal["here", "ignored", "psql", "refused"]

HERE = {
    "i", "ir", "include", "include_relative", "c", "connect", "copy", "echo", "qecho", "warn", "set", "unset", "restrict", "unrestrict",
    "q", "quit", "g", "gx",
}  # fmt: skip
"""Commands that are carried out without psql."""
_IGNORED = {
    "timing", "pset", "t", "a", "x", "encoding", "f", "H", "html", "C", "T", "errverbose", "conninfo", "copyright", "h", "help", "?", "s",
}  # fmt: skip
"""Commands about how results look. Nobody looks at them here."""
_PSQL = {
    "if", "elif", "else", "endif", "gexec", "gset", "gdesc", "o", "out", "p", "print", "r", "reset", "w", "write", "crosstabview",
    "crosstab", "bind", "bind_named", "parse", "close", "close_prepared", "startpipeline", "endpipeline", "sendpipeline",
    "syncpipeline", "flush", "flushrequest", "getresults", "getenv", "setenv", "lo_list", "lo_unlink", "sf", "sf+", "sv", "sv+",
    "z", "zS", "zx", "l", "list", "l+", "watch", ";", ":",
}  # fmt: skip
_DESCRIBE = re.compile(r"d\w*\+?")
_INTERACTIVE = {"e", "edit", "ef", "ev", "password", "prompt", "cd", "lo_import", "lo_export"}
_PIPES = {"g", "gx", "o", "out", "w", "write"}

_NAME = re.compile(r"[^\s\\'\"`|:;(]+|[;:!?]")
_GAP = re.compile(r"[ \t\r\f\v]*")
_PIECE = re.compile(
    rf"""(?P<quoted>'(?:[^'\\\n]|\\[^\n]|'')*+')|(?P<name>"[^"\n]*")|(?P<variable>{variable.COLON})|(?P<plain>[^\s'"`:\\]+|:)"""
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)|''")
_LETTERS = {"n": "\n", "t": "\t", "b": "\b", "r": "\r", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Argument:
    """One word of a command. `quoted`: it stood in single quotes, so it is no option."""

    text: str
    position: int
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A meta-command from its backslash at `start` to `end`, where SQL goes on. `stray` is where something unreadable stands."""

    name: str
    start: int
    end: int
    arguments: tuple[Argument, ...]
    stray: int | None = None

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(argument.text for argument in self.arguments)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a command; `message` and `hint` for one that is refused."""

    kind: Kind
    message: str = ""
    hint: str = ""


def read(text: str, start: int, known: Mapping[str, str]) -> Command:
    """The command whose backslash stands at `start`, its variables filled in."""
    line_end = text.find("\n", start)
    line_end = line_end if line_end >= 0 else len(text)
    found = _NAME.match(text, start + 1, line_end)
    name = found.group() if found else ""
    position = found.end() if found else start + 1
    if name.startswith("!"):
        return Command("!", start, line_end, ())
    if name == "copy":  # takes the whole line as it is
        return Command(name, start, line_end, (Argument(text[position:line_end], position),))
    arguments: list[Argument] = []
    while True:
        gap = _GAP.match(text, position, line_end)
        position = gap.end() if gap else position
        if position >= line_end:
            return Command(name, start, line_end, tuple(arguments))
        if text.startswith("\\\\", position):
            return Command(name, start, position + 2, tuple(arguments))
        if text[position] == "\\":
            return Command(name, start, position, tuple(arguments))
        argument, after = _argument(text, position, line_end, known)
        if after == position:
            return Command(name, start, line_end, tuple(arguments), position)
        arguments.append(argument)
        position = after


def _argument(text: str, start: int, end: int, known: Mapping[str, str]) -> tuple[Argument, int]:
    pieces, position, quoted = [], start, False
    while (found := _PIECE.match(text, position, end)) is not None:
        piece = found.group()
        if found["quoted"] is not None:
            quoted = True
            piece = _ESCAPE.sub(_escaped, piece[1:-1])
        elif found["variable"] is not None:
            value = variable.reference(piece, known)
            piece = piece if value is None else value
        pieces.append(piece)
        position = found.end()
    if position < end and text[position] in "'\"`":
        position = start  # an open quote, or a command of the shell
    return Argument("".join(pieces), start, quoted), position


def _escaped(found: re.Match[str]) -> str:
    what = found.group(1)
    if what is None:
        return "'"
    if what[0] == "x" and len(what) > 1:
        return chr(int(what[1:], 16))
    return chr(int(what, 8)) if what[0] in "01234567" else _LETTERS.get(what, what)


def verdict(text: str, command: Command) -> Verdict:
    """What becomes of a command, by its name and its words alone."""
    name = command.name
    if name == "!":
        return Verdict("refused", "\\! runs a program on the machine and is refused", "remove it")
    if command.stray is not None:
        if text[command.stray] == "`":
            return Verdict("refused", "text in backticks is a command of the shell and is refused", "write the value into the file")
        return Verdict("refused", f"\\{name}: the quote that starts here is never closed", "close it on the same line")
    if name in _PIPES and command.words and command.words[0].startswith("|"):
        return Verdict("refused", f"\\{name} | runs a program on the machine and is refused", "remove it")
    if name in _INTERACTIVE:
        return Verdict(
            "refused", f"\\{name} is for a person at a prompt", "remove it, or run the file by hand: devstack db-shell < FILE"
        )
    if name in ("g", "gx"):
        return Verdict("psql" if command.arguments else "here")
    if name in HERE:
        return Verdict("here")
    if name in _IGNORED:
        return Verdict("ignored")
    if name in _PSQL or _DESCRIBE.fullmatch(name):
        return Verdict("psql")
    if name == ".":
        return Verdict("refused", "\\. is a command of psql that ends COPY data, and no COPY stands before it", "remove it")
    if not name:
        return Verdict("refused", "a lone backslash", "remove it")
    return Verdict("refused", f"psql has no command \\{name}", "remove it")


def assignment(command: Command) -> tuple[str, str] | str | None:
    r"""What \set or \unset does to the variables: (name, value), a name that is unset, or None for a setting of psql itself.

    Raises ValueError with message and hint where psql would behave in a way that devstack does not.
    """
    words = command.words
    if not words:
        return None
    name, value = words[0], "".join(words[1:])
    on = command.name == "set" and value.lower() not in ("off", "false", "no", "0")
    match name:
        case "ON_ERROR_STOP" if not on:
            raise ValueError("devstack always stops at the first error", "remove it, and mend the statement that fails")
        case "AUTOCOMMIT" if not on:
            raise ValueError("AUTOCOMMIT off is not followed", "write BEGIN where the transaction begins")
        case "ON_ERROR_ROLLBACK" if on:
            raise ValueError("ON_ERROR_ROLLBACK is not followed", "use a SAVEPOINT, or a DO block with EXCEPTION")
        case "SINGLELINE" if on:
            raise ValueError("SINGLELINE is not followed", "end statements with semicolons")
        case "ECHO" | "VERBOSITY" | "SHOW_CONTEXT" | "QUIET" | "ON_ERROR_STOP" | "AUTOCOMMIT" | "FETCH_COUNT" | "ECHO_HIDDEN":
            return None
    return name if command.name == "unset" else (name, value)


def said(command: Command) -> str:
    r"""What \echo prints."""
    words = command.words[1:] if command.arguments and command.words[0] == "-n" else command.words
    return " ".join(words)


@dataclass(frozen=True, slots=True)
class Copy:
    r"""A \copy: what its far end is ("stdin", "stdout", a file's name, "program"), and where in the text that word stands."""

    direction: Literal["from", "to"]
    end: str
    start: int
    after: int
    is_file: bool


_COPY_WORD = re.compile(r"""\s*(?:("(?:[^"]|"")*"|\((?:[^()'"]|'[^']*'|"[^"]*"|\([^()]*\))*\)|[^\s"'()]+))""")
_COPY_END = re.compile(r"""\s*(?:'((?:[^']|'')*)'|([^\s']+))""")


def copy(command: Command) -> Copy | None:
    r"""The words of a \copy; None when they make no sense."""
    line = command.arguments[0]
    position = 0
    while (found := _COPY_WORD.match(line.text, position)) is not None:
        position = found.end()
        if found.group(1).lower() in ("from", "to"):
            far = _COPY_END.match(line.text, position)
            if far is None:
                return None
            quoted = far.group(1) is not None
            word = far.group(1).replace("''", "'") if quoted else far.group(2)
            known = not quoted and word.lower() in ("stdin", "stdout", "pstdin", "pstdout", "program")
            start = far.start(1) - 1 if quoted else far.start(2)
            direction: Literal["from", "to"] = "from" if found.group(1).lower() == "from" else "to"
            return Copy(direction, word.lower() if known else word, line.position + start, line.position + far.end(), not known)
    return None
