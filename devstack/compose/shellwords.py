"""A command written as text, split into words as Compose splits it: quotes and backslashes, no expansion."""

from __future__ import annotations

# Compose stops reading at these without a word; a command that needs them has to be run by a shell.
_OPERATORS = frozenset(";&|<>")


def split(text: str) -> tuple[list[str], str]:
    """The words, and the operator at which reading stopped ("" when all was read). Raises `ValueError` for open quotes and brackets."""
    words: list[str] = []
    word = ""
    quoted = False
    quote = ""
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\" and quote not in ("'", "`"):
            position += 1
            if position >= len(text):
                raise ValueError("it ends in a backslash")
            word += text[position]
            quoted = True
        elif quote in ("`", "$("):
            word += char
            if char == ("`" if quote == "`" else ")"):
                quote = ""
        elif quote:
            if char == quote:
                quote = ""
            else:
                word += char
        elif char in "\"'":
            quote, quoted = char, True
        elif char == "`":
            quote, word = "`", word + char
        elif char == "(":
            if not word.endswith("$"):
                raise ValueError(f"the bracket ( at character {position + 1} has to be quoted")
            quote, word = "$(", word + char
        elif char == ")":
            raise ValueError(f"the bracket ) at character {position + 1} has to be quoted")
        elif char in " \t\r\n":
            if word or quoted:
                words.append(word)
            word, quoted = "", False
        elif char in _OPERATORS or (char == "#" and not word):
            if char == ">" and word[:1].isdigit():
                word, quoted = "", False
            return [*words, word] if word or quoted else words, char
        else:
            word += char
        position += 1
    if quote:
        raise ValueError(f"the {'bracket' if quote == '$(' else 'quote'} {quote} is never closed")
    if word or quoted:
        words.append(word)
    return words, ""
