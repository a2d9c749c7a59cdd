"""One walk over the text of a SQL file: where its statements end, where COPY data stand, where psql's commands cut it.

The text goes to the server whole, so nothing here has to understand SQL; it only has to know what a quote, a comment and a
semicolon are, as psql does.
"""

from __future__ import annotations

import re
from pathlib import Path

from devstack.database import acts, meta, source, statements
from devstack.database import variables as variable
from devstack.database.reading import Reading
from devstack.database.script import Edit, Segment, Statement
from devstack.database.source import Source
from devstack.errors import SpecError

_TOKENS = r"""[;()'"\\]|--[^\n]*|/\*|(?<![\w$])\$(?:[^\W\d]\w*)?\$|[""" + "".join(source.LOOKALIKES) + "]"
_ROUTINE_WORDS = r"|(?<![\w$])(?:begin|case|end)(?![\w$])"
_TOKEN = re.compile(_TOKENS)
_TOKEN_IN_ROUTINE = re.compile(_TOKENS + _ROUTINE_WORDS, re.IGNORECASE)
_TOKEN_WITH_VARIABLES = re.compile(f"{variable.COLON}|{_TOKENS}")
_TOKEN_IN_ROUTINE_WITH_VARIABLES = re.compile(f"{variable.COLON}|{_TOKENS}{_ROUTINE_WORDS}", re.IGNORECASE)
_DEFINES = re.compile(r"\\(?:set|i)")
"""Commands after which variables may be there that were not before."""
_MAX_DEPTH = 16
_PLAIN_STRING = re.compile(r"(?:[^']+|'')*+'")
_ESCAPE_STRING = re.compile(r"(?:[^'\\]+|\\.|'')*+'", re.DOTALL)
_NAME = re.compile(r'(?:[^"]+|"")*+"')
_GOES_ON = re.compile(r"[ \t\r\f\v]*(?:--[^\n]*)?\n(?:\s|--[^\n]*\n)*'")
"""A string that has ended goes on with a quote on a later line, and is of the same kind there."""
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_BLANK = re.compile(r"(?:\s+|--[^\n]*)*")
_WORD = re.compile(r"[^\W\d][\w$]*")
_ROUTINE = re.compile(r"create\s+(?:or\s+replace\s+)?(?:function|procedure)\b", re.IGNORECASE)
_FROM_STDIN = re.compile(r"\bfrom\s+stdin\b", re.IGNORECASE)


class Walk:
    """One walk over the text of one file. Positions only move forward."""

    def __init__(self, origin: Source, reading: Reading, within: tuple[Path, ...] = ()) -> None:
        self.origin = origin
        self.text = origin.text
        self.reading = reading
        self.within = within
        self.statements: list[Statement] = []
        self.edits: list[Edit] = []
        self.copies: list[tuple[int, int]] = []
        self.segment_start = 0
        self.parentheses = 0
        self.atomic = 0
        variables = _DEFINES.search(self.text) is not None or variable.mentions(self.text, reading.variables)
        self.tokens = (_TOKEN_WITH_VARIABLES, _TOKEN_IN_ROUTINE_WITH_VARIABLES) if variables else (_TOKEN, _TOKEN_IN_ROUTINE)
        self.start_statement(0)

    def walk(self) -> None:
        position = 0
        while (token := self.token.search(self.text, position)) is not None:
            position = self.step(token)
        self.end_statement(len(self.text))
        self.end_segment(len(self.text))
        self.look_for_conflict_markers()

    def step(self, token: re.Match[str]) -> int:
        """Take one token in and give the position to go on from."""
        word = token.group()
        match word[0]:
            case "-":
                return token.end()
            case "/":
                return self.after_comment(token)
            case "'" | '"' | "$":
                return self.after_quote(token)
            case "(":
                self.parentheses += 1
            case ")":
                self.parentheses = max(0, self.parentheses - 1)
            case ";":
                return self.semicolon(token.end())
            case "\\":
                return self.meta_command(token.start())
            case ":":
                return self.variable(token)
            case _ if word in source.LOOKALIKES:
                self.problem(token.start(), *source.lookalike_problem(word))
            case _:
                self.block_word(word.lower())
        return token.end()

    def variable(self, token: re.Match[str]) -> int:
        """A known variable's value takes its place; another colon means nothing."""
        value = variable.reference(token.group(), self.reading.variables)
        if value is None:
            return token.end() if token.group()[1:2] in (":", "=") else token.start() + 1
        if token.group()[1] not in "'\"{" and not variable.is_harmless(value):
            self.reading.need(self.origin, token.start(), f"{token.group()}, whose value is more than a plain word,")
        self.edits.append(Edit(token.start(), token.end(), value))
        return token.end()

    def after_comment(self, token: re.Match[str]) -> int:
        depth, position = 1, token.end()
        while depth:
            edge = _COMMENT_EDGE.search(self.text, position)
            if edge is None:
                self.reading.unclosed = True
                self.problem(token.start(), "this comment is never closed", hint="put */ where it ends")
                return len(self.text)
            depth += 1 if edge.group() == "/*" else -1
            position = edge.end()
        return position

    def after_quote(self, token: re.Match[str]) -> int:
        start, mark = token.start(), token.group()
        if mark[0] == "$":
            end = self.text.find(mark, token.end())
            if end < 0:
                self.reading.unclosed = True
                self.problem(start, f"the text in {mark} that starts here is never closed", hint=f"put {mark} where it ends")
                return len(self.text)
            return end + len(mark)
        pattern = _NAME if mark == '"' else _ESCAPE_STRING if self.is_escape_string(start) else _PLAIN_STRING
        found = pattern.match(self.text, token.end())
        while found is not None and mark == "'" and (more := _GOES_ON.match(self.text, found.end())) is not None:
            start, found = more.end() - 1, pattern.match(self.text, more.end())
        if found is None:
            self.reading.unclosed = True
            kind = "name" if mark == '"' else "string"
            self.problem(start, f"the {kind} that starts here is never closed", hint=f"put {mark} where it ends")
            return len(self.text)
        return found.end()

    def is_escape_string(self, quote: int) -> bool:
        if self.reading.backslashes:
            return True
        before = self.text[max(0, quote - 2) : quote]
        return before[-1:] in ("e", "E") and not re.match(r"[\w$]", before[:-1])

    def block_word(self, word: str) -> None:
        """BEGIN ATOMIC ... END and CASE ... END inside it, counted only in CREATE FUNCTION and PROCEDURE, as psql does."""
        if self.parentheses:
            return
        if word == "end":
            self.atomic = max(0, self.atomic - 1)
        elif word == "begin" or self.atomic:
            self.atomic += 1

    def start_statement(self, position: int) -> None:
        self.head = self.after_blank(position)
        self.token = self.tokens[1] if _ROUTINE.match(self.text, self.head) else self.tokens[0]
        self.parentheses = self.atomic = 0

    def after_blank(self, position: int) -> int:
        while True:
            found = _BLANK.match(self.text, position)
            position = found.end() if found else position
            if not self.text.startswith("/*", position):
                return position
            depth, inner = 1, position + 2
            while depth and (edge := _COMMENT_EDGE.search(self.text, inner)) is not None:
                depth += 1 if edge.group() == "/*" else -1
                inner = edge.end()
            if depth:
                return len(self.text)
            position = inner

    def semicolon(self, end: int) -> int:
        if self.parentheses or self.atomic:
            return end
        head = self.head
        self.end_statement(end, closed=True)
        word = _WORD.match(self.text, head)
        if word is not None and word.group().lower() == "copy":
            statement = self.text[head:end]
            if _FROM_STDIN.search(statement) and not re.match(r"copy\s*\(", statement, re.IGNORECASE):
                return self.copy_data(end)
        self.heed(head, end)
        return end

    def heed(self, head: int, end: int) -> None:
        """A statement that changes how the server reads text must not share a message with what comes after it."""
        setting = statements.reading_setting(self.text, head, end)
        if setting is None or setting in (("client_encoding", "utf8"), ("client_encoding", "utf-8")):
            return
        if setting[0] == "standard_conforming_strings":
            backslashes = setting[1] in ("off", "false", "no", "0")
            if backslashes == self.reading.backslashes:
                return
            self.reading.backslashes = backslashes
        self.end_segment(end)

    def copy_data(self, end: int) -> int:
        """The data starts on the line after the statement and ends at a line with only a backslash and a dot."""
        newline = self.text.find("\n", end)
        rest = self.text[end : newline if newline >= 0 else len(self.text)]
        if rest.strip() and not rest.strip().startswith("--"):
            self.problem(end + len(rest) - len(rest.lstrip()), "COPY ... FROM stdin must be the last statement on its line")
        first = newline + 1 if newline >= 0 else len(self.text)
        last, position = self.copy_end(first)
        self.copies.append((first, last))
        self.end_segment(end, copy=(first, last))
        return self.go_on(position)

    def copy_end(self, first: int) -> tuple[int, int]:
        """Where the line that ends the data starts, and where it ends; the end of the file ends the data too."""
        found = first - 1
        while (found := self.text.find("\n\\.", found)) >= 0:
            newline = self.text.find("\n", found + 1)
            end = newline if newline >= 0 else len(self.text)
            if not self.text[found + 3 : end].strip():
                return found + 1, end
            found += 1
        return len(self.text), len(self.text)

    def meta_command(self, start: int) -> int:
        command = meta.read(self.text, start, self.reading.variables)
        verdict = meta.verdict(self.text, command)
        if self.reading.restricted and command.name != "unrestrict":
            self.problem(start, f"\\{command.name} between \\restrict and \\unrestrict, where only SQL may stand", "remove it")
        if verdict.kind == "refused":
            self.problem(start if command.stray is None else command.stray, verdict.message, verdict.hint)
        elif verdict.kind == "psql":
            self.reading.need(self.origin, start, f"\\{command.name}")
        elif self.head < start and command.name not in ("g", "gx"):
            self.reading.need(self.origin, start, f"\\{command.name} in the middle of a statement")
        if self.head < start:
            self.end_statement(start)
        self.end_segment(start)
        if verdict.kind == "here":
            return self.go_on(acts.carry_out(self, command))
        return self.go_on(command.end)

    def include(self, name: str, path: Path, start: int, place: int) -> None:
        """Read another file where its command stands."""
        if path in self.within or len(self.within) >= _MAX_DEPTH:
            self.problem(place, f"{name} is included inside itself", "take one of the commands out")
            return
        try:
            text = source.decode(source.read(path, name), name)
        except SpecError as error:
            for problem in error.problems:
                self.reading.add(problem)
            return
        self.reading.files.append((name, path))
        included = Source(name, text, (self.origin.where(start), *self.origin.included_from))
        Walk(included, self.reading, (*self.within, path)).walk()

    def go_on(self, position: int) -> int:
        """A new segment begins here."""
        self.segment_start = position
        self.start_statement(position)
        return position

    def end_statement(self, end: int, *, closed: bool = False) -> None:
        if self.head < end and self.text[self.head : end] != ";":
            special = statements.special(self.text, self.head, end)
            self.statements.append(Statement(self.origin, self.head, end, special, closed))
        self.start_statement(end)

    def end_segment(self, end: int, copy: tuple[int, int] | None = None) -> None:
        if self.statements:
            made = Segment(self.origin, self.segment_start, end, tuple(self.statements), copy, edits=tuple(self.edits))
            self.reading.items.append(made)
        self.statements = []
        self.edits = []
        self.segment_start = end

    def look_for_conflict_markers(self) -> None:
        if "<<<<<<< " not in self.text or ">>>>>>> " not in self.text:
            return
        for found in re.finditer(r"^<<<<<<< ", self.text, re.MULTILINE):
            if not any(start <= found.start() < end for start, end in self.copies):
                self.problem(found.start(), "a merge conflict is left in the file", hint="resolve it and remove the markers")

    def problem(self, position: int, message: str, hint: str = "", *, native: bool = False) -> None:
        self.reading.problem(self.origin, position, message, hint, native=native)
