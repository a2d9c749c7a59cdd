"""JSON that PostgreSQL can store, and that is not without bounds."""

import json
import math
from typing import Annotated, Any

from pydantic import AfterValidator

MOST_BYTES = 1_000_000
DEEPEST = 50


def trouble_with(value: Any) -> str | None:
    """Why a JSON value cannot be stored; None when it can."""
    waiting = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST:
            return f"it is nested more than {DEEPEST} deep"
        if isinstance(one, dict):
            waiting += [(part, depth + 1) for pair in one.items() for part in pair]
        elif isinstance(one, list):
            waiting += [(part, depth + 1) for part in one]
        elif isinstance(one, str):
            said = trouble_with_text(one)
            if said:
                return said
        elif isinstance(one, float) and not math.isfinite(one):
            return f"{one} is no JSON number"
        elif isinstance(one, int) and abs(one) >= 10**1000:
            return "it has a number of more than 1000 digits"
    size = len(json.dumps(value, ensure_ascii=False).encode())
    if size > MOST_BYTES:
        return f"it has {size} bytes; {MOST_BYTES} is the most"
    return None


def trouble_with_text(text: str) -> str | None:
    if "\0" in text:
        return "it has a NUL character (\\u0000), which PostgreSQL cannot store"
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return "it has half of a surrogate pair, which is no character"
    return None


def _storable(value: Any) -> Any:
    said = trouble_with(value)
    if said:
        raise ValueError(said)
    return value


def storable_text(value: str) -> str:
    said = trouble_with_text(value)
    if said:
        raise ValueError(said)
    return value


Json = Annotated[Any, AfterValidator(_storable)]
Storable = Annotated[str, AfterValidator(storable_text)]


def shown(value: Any) -> str:
    """A value as text: a string as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def kind_of(value: Any) -> str:
    """What JSON calls it."""
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "text", list: "an array", dict: "an object"}
    return names.get(type(value), "a number")


def printable(text: str) -> str:
    """What can be stored of a message, whatever an answer or an input put into it."""
    known = text.replace("\0", "\ufffd").encode(errors="replace").decode()
    return known if len(known) <= 2000 else f"{known[:2000]}..."
