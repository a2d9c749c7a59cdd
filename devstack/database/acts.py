r"""The meta-commands that need no psql, carried out while a script is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devstack.database import lookup, meta
from devstack.database.lookup import NotToBeHad
from devstack.database.meta import Command
from devstack.database.script import Connect, Edit, Say, Segment, Statement

if TYPE_CHECKING:
    from devstack.database.walk import Walk


def carry_out(walk: Walk, command: Command) -> int:
    """Do what the command says; the position to go on from."""
    match command.name:
        case "i" | "include":
            _include(walk, command, relative=False)
        case "ir" | "include_relative":
            _include(walk, command, relative=True)
        case "c" | "connect":
            _connect(walk, command)
        case "copy":
            return _copy(walk, command)
        case "echo" | "qecho" | "warn":
            walk.reading.items.append(Say(meta.said(command)))
        case "set" | "unset":
            _assign(walk, command)
        case "restrict":
            walk.reading.restricted = "".join(command.words)
        case "unrestrict":
            _unrestrict(walk, command)
        case "q" | "quit":
            return len(walk.text)
    return command.end


def _include(walk: Walk, command: Command, *, relative: bool) -> None:
    if not command.words:
        walk.problem(command.start, f"\\{command.name} without a file", "name the file")
        return
    named, place = command.words[0], command.arguments[0].position
    try:
        name, path = lookup.locate(walk.reading.environment.root, walk.origin.name, named, relative=relative)
    except NotToBeHad as error:
        walk.problem(place, error.message, error.hint, native=error.missing)
        return
    walk.include(name, path, command.start, place)


def _connect(walk: Walk, command: Command) -> None:
    words = [word.strip('"') for word in command.words]
    if words and words[0].startswith("-reuse-previous="):
        words = words[1:]
    if not words or words[0] == "-":
        words[:1] = [""]
    database = _database_of(words[0])
    if database is None or any(word != "-" for word in words[1:]):
        hint = "name only the database; for another role write SET ROLE"
        walk.problem(command.start, f"\\{command.name} to another user or server is not followed", hint)
        return
    if walk.reading.environment.open_database is None and database:
        walk.problem(
            command.start,
            f"\\{command.name}: no other database can be opened here",
            "give that database its own entry under schema:",
        )
        return
    walk.reading.items.append(Connect(database, walk.origin, command.start))


def _database_of(word: str) -> str | None:
    """The database in a name or a connection string; None when the string says more than that."""
    if "=" not in word:
        return None if word.startswith(("postgres:", "postgresql:")) else word
    found = re.fullmatch(r"\s*dbname\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s']+))\s*", word)
    if found is None:
        return None
    return re.sub(r"\\(.)", r"\1", found.group(1)) if found.group(1) is not None else found.group(2)


def _copy(walk: Walk, command: Command) -> int:
    r"""\copy is COPY from stdin with data from the next lines or from a file of the project."""
    said = meta.copy(command)
    if said is None:
        walk.problem(command.start, "\\copy: parse error", "write \\copy TABLE from 'FILE' or from stdin")
        return command.end
    place = said.start
    if said.end == "program" and not said.is_file:
        walk.problem(place, "\\copy ... program runs a program on the machine and is refused", "copy from a file or from stdin")
        return command.end
    if said.direction == "to" and (said.is_file or said.end == "pstdout"):
        walk.problem(place, "\\copy ... to a file: a schema file does not write files", "use devstack db-shell for that")
        return command.end
    if said.end == "pstdin":
        walk.problem(place, "\\copy ... from pstdin: nobody types here", "copy from a file or from stdin")
        return command.end
    statement = Statement(walk.origin, command.start, command.end)
    edits = [Edit(command.start, command.start + 1, "")]
    if said.direction == "to":
        walk.reading.items.append(Segment(walk.origin, command.start, command.end, (statement,), edits=tuple(edits)))
        return command.end
    if not said.is_file:
        newline = walk.text.find("\n", command.end)
        first = newline + 1 if newline >= 0 else len(walk.text)
        last, after = walk.copy_end(first)
        walk.copies.append((first, last))
        segment = Segment(walk.origin, command.start, command.end, (statement,), (first, last), edits=tuple(edits))
        walk.reading.items.append(segment)
        return after
    try:
        name, path = lookup.locate(walk.reading.environment.root, walk.origin.name, said.end, relative=False)
    except NotToBeHad as error:
        walk.problem(place, error.message, error.hint, native=error.missing)
        return command.end
    walk.reading.files.append((name, path))
    edits.append(Edit(said.start, said.after, "STDIN"))
    walk.reading.items.append(Segment(walk.origin, command.start, command.end, (statement,), data=(path, name), edits=tuple(edits)))
    return command.end


def _assign(walk: Walk, command: Command) -> None:
    try:
        done = meta.assignment(command)
    except ValueError as error:
        message, hint = error.args
        walk.problem(command.start, message, hint)
        return
    if isinstance(done, tuple):
        walk.reading.variables[done[0]] = done[1]
    elif done is not None:
        walk.reading.variables.pop(done, None)


def _unrestrict(walk: Walk, command: Command) -> None:
    if walk.reading.restricted and "".join(command.words) != walk.reading.restricted:
        walk.problem(command.start, "\\unrestrict with another key than \\restrict", "the dump was changed: make it anew")
    walk.reading.restricted = ""
