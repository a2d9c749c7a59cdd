"""Reads a SQL file: its bytes checked, cut at psql's meta-commands and COPY data, its statements found with exact offsets.

The text goes to the server whole, so nothing here has to understand SQL; it only has to know what a quote, a comment and a
semicolon are, as psql does.
"""

from __future__ import annotations

import re
from pathlib import Path

from devstack.database import source, statements
from devstack.database.script import Script, Segment, Statement
from devstack.database.source import Source
from devstack.errors import Problem, SpecError

_TOKENS = r"""[;()'"\\]|--[^\n]*|/\*|(?<![\w$])\$(?:[^\W\d]\w*)?\$|[""" + "".join(source.LOOKALIKES) + "]"
_TOKEN = re.compile(_TOKENS)
_TOKEN_IN_ROUTINE = re.compile(_TOKENS + r"|(?<![\w$])(?:begin|case|end)(?![\w$])", re.IGNORECASE)
_PLAIN_STRING = re.compile(r"(?:[^']+|'')*+'")
_ESCAPE_STRING = re.compile(r"(?:[^'\\]+|\\.|'')*+'", re.DOTALL)
_NAME = re.compile(r'(?:[^"]+|"")*+"')
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_BLANK = re.compile(r"(?:\s+|--[^\n]*)*")
_WORD = re.compile(r"[^\W\d][\w$]*")
_ROUTINE = re.compile(r"create\s+(?:or\s+replace\s+)?(?:function|procedure)\b", re.IGNORECASE)
_FROM_STDIN = re.compile(r"\bfrom\s+stdin\b", re.IGNORECASE)
_HEADER = re.compile(r"^--\s*devstack:(.*)$")


def read(path: Path, name: str) -> Script:
    """Read and check a file. Raises SpecError with every problem that can be seen before anything is sent."""
    return parse(source.read(path, name), name)


def parse(data: bytes, name: str) -> Script:
    """The script in these bytes; `name` is how the file is called in messages."""
    text = source.decode(data, name)
    return _Scanner(Source(name, text)).script()


class _Scanner:
    """One walk over the text. Positions only move forward."""

    def __init__(self, origin: Source) -> None:
        self.origin = origin
        self.text = origin.text
        self.problems: list[Problem] = []
        self.unclosed = False
        self.segments: list[Segment] = []
        self.statements: list[Statement] = []
        self.segment_start = 0
        self.parentheses = 0
        self.atomic = 0
        self.start_statement(0)

    def script(self) -> Script:
        position = 0
        while (token := self.token.search(self.text, position)) is not None:
            position = self.step(token)
        self.end_statement(len(self.text))
        self.end_segment(len(self.text))
        self.look_for_conflict_markers()
        transactional = self.header()
        frame = statements.own_frame(self.text, self.segments) if transactional else ()
        if not frame:
            self.check_transactions(transactional)
        if self.problems:
            raise SpecError(sorted(self.problems, key=lambda problem: problem.where.line or 0))
        text, segments = statements.without(self.text, self.segments, frame)
        return Script(name=self.origin.name, text=text, segments=segments, transactional=transactional)

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
            case _ if word in source.LOOKALIKES:
                self.problem(token.start(), *source.lookalike_problem(word))
            case _:
                self.block_word(word.lower())
        return token.end()

    def after_comment(self, token: re.Match[str]) -> int:
        depth, position = 1, token.end()
        while depth:
            edge = _COMMENT_EDGE.search(self.text, position)
            if edge is None:
                self.unclosed = True
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
                self.unclosed = True
                self.problem(start, f"the text in {mark} that starts here is never closed", hint=f"put {mark} where it ends")
                return len(self.text)
            return end + len(mark)
        pattern = _NAME if mark == '"' else _ESCAPE_STRING if self.is_escape_string(start) else _PLAIN_STRING
        found = pattern.match(self.text, token.end())
        if found is None:
            self.unclosed = True
            kind = "name" if mark == '"' else "string"
            self.problem(start, f"the {kind} that starts here is never closed", hint=f"put {mark} where it ends")
            return len(self.text)
        return found.end()

    def is_escape_string(self, quote: int) -> bool:
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
        self.token = _TOKEN_IN_ROUTINE if _ROUTINE.match(self.text, self.head) else _TOKEN
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
        self.end_statement(end)
        word = _WORD.match(self.text, head)
        if word is not None and word.group().lower() == "copy":
            statement = self.text[head:end]
            if _FROM_STDIN.search(statement) and not re.match(r"copy\s*\(", statement, re.IGNORECASE):
                return self.copy_data(end)
        return end

    def copy_data(self, end: int) -> int:
        """The data starts on the line after the statement and ends at a line with only a backslash and a dot."""
        newline = self.text.find("\n", end)
        rest = self.text[end : newline if newline >= 0 else len(self.text)]
        if rest.strip() and not rest.strip().startswith("--"):
            self.problem(end + len(rest) - len(rest.lstrip()), "COPY ... FROM stdin must be the last statement on its line")
        first = newline + 1 if newline >= 0 else len(self.text)
        last, position = self.copy_end(first)
        self.end_segment(end, copy=(first, last))
        self.segment_start = position
        self.start_statement(position)
        return position

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
        newline = self.text.find("\n", start)
        end = newline if newline >= 0 else len(self.text)
        words = self.text[start + 1 : end].split()
        name = words[0] if words else ""
        if name not in ("restrict", "unrestrict"):
            self.problem(start, source.meta_command_problem(name), hint=source.meta_command_hint(name))
        if self.head < start:
            self.end_statement(start)
        self.end_segment(start)
        self.segment_start = end
        self.start_statement(end)
        return end

    def end_statement(self, end: int) -> None:
        if self.head < end and self.text[self.head : end] != ";":
            self.statements.append(Statement(self.head, end, statements.special(self.text, self.head, end)))
        self.start_statement(end)

    def end_segment(self, end: int, copy: tuple[int, int] | None = None) -> None:
        if self.statements:
            self.segments.append(Segment(self.segment_start, end, tuple(self.statements), copy))
        self.statements = []
        self.segment_start = end

    def header(self) -> bool:
        """Read `-- devstack: transaction=none` from the comment lines on top."""
        transactional = True
        offset = 0
        while offset < len(self.text):
            end = self.text.find("\n", offset) + 1 or len(self.text)
            line = self.text[offset:end]
            if line.strip() and not line.startswith("--"):
                break
            found = _HEADER.match(line.rstrip())
            for word in found.group(1).split() if found else ():
                if word not in ("transaction=none", "transaction=file"):
                    place = offset + line.index(word)
                    self.problem(place, f'unknown setting "{word}"', hint="known: transaction=file, transaction=none")
                transactional = word != "transaction=none"
            offset += len(line)
        return transactional

    def check_transactions(self, transactional: bool) -> None:
        """Refuse what would end the transaction the file gets, or cannot run in it. An unclosed quote hides where the file ends."""
        for statement in (statement for segment in self.segments for statement in segment.statements):
            words = statements.first_words(self.text, statement) if statement.special else ""
            if statement.special == "control" and not self.unclosed:
                self.problem(statement.head, *statements.control_problem(words, transactional))
            elif statement.special == "not-in-transaction" and transactional:
                self.problem(statement.head, *statements.not_in_transaction_problem(words))

    def look_for_conflict_markers(self) -> None:
        if "<<<<<<< " not in self.text or ">>>>>>> " not in self.text:
            return
        data = [segment.copy for segment in self.segments if segment.copy]
        for found in re.finditer(r"^<<<<<<< ", self.text, re.MULTILINE):
            if not any(start <= found.start() < end for start, end in data):
                self.problem(found.start(), "a merge conflict is left in the file", hint="resolve it and remove the markers")

    def problem(self, position: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.origin.where(position), message, hint=hint, excerpt=self.origin.excerpt(position)))
