"""Values to YAML in block style, quoted wherever some reader (YAML 1.1 or 1.2, Python's or Go's) would misread text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from devstack.document.scalars import float_text, resolve

if TYPE_CHECKING:
    from devstack.compose.model import Json

_PLAIN = re.compile(r"[A-Za-z0-9_./$(%+][^\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]*\Z")
_OLD_BOOLEAN = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"))
_OLD_NUMBER = re.compile(
    r"[-+]?(?:[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[0-9][0-9_,.]*(?:[eE][-+]?[0-9]+)?|0[xob][0-9a-fA-F_]+)\Z"
)
_DATE_LIKE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
_BLOCK_SAFE = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]*\Z")


def dump(value: Json) -> str:
    """Block style YAML, keys in the order given, one trailing newline. What `load` reads back equals `value`."""
    if isinstance(value, (Mapping, list, tuple)) and value:
        return "\n".join(_lines(value, 0)) + "\n"
    return _scalar(value, 1) + "\n"


def _lines(value: Json, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry(f"{pad}{_text(key)}:", item, depth)
    elif isinstance(value, (list, tuple)):
        for item in value:
            if isinstance(item, (Mapping, list, tuple)) and item:
                first, *rest = _lines(item, depth + 1)
                yield f"{pad}- {first[len(pad) + 2 :]}"
                yield from rest
            else:
                yield f"{pad}- {_scalar(item, depth + 1)}"


def _entry(head: str, item: Json, depth: int) -> Iterator[str]:
    if isinstance(item, (Mapping, list, tuple)) and item:
        yield head
        yield from _lines(item, depth + 1)
    else:
        text = _scalar(item, depth + 1)
        yield f"{head} {text}" if text else head


def _scalar(value: Json, depth: int) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            text = float_text(value)
            mantissa, mark, exponent = text.partition("e")
            real = f"{mantissa if '.' in mantissa else f'{mantissa}.0'}{mark}{exponent}"
            return {"NaN": ".nan", "+Inf": ".inf", "-Inf": "-.inf"}.get(text, real)
        case str():
            return _block(value, depth) if "\n" in value else _text(value)
    return "{}" if isinstance(value, Mapping) else "[]"


def _block(text: str, depth: int) -> str:
    """A literal block where that is exact, else double quotes."""
    body = text.rstrip("\n")
    blank = any(line and not line.strip(" \t") for line in body.split("\n"))
    if not body or blank or text[0] in " \n\t" or not _BLOCK_SAFE.match(text):
        return _double(text)
    ends = len(text) - len(body)
    keep = "-" if ends == 0 else "" if ends == 1 else "+"
    pad = "  " * depth
    lines = (f"{pad}{line}" if line else "" for line in body.split("\n") + [""] * max(0, ends - 1))
    return "\n".join([f"|{keep}", *lines])


def _double(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]", lambda match: f"\\u{ord(match.group()):04x}", quoted)


def _text(text: str) -> str:
    return text if _is_plain(text) else _double(text)


def _is_plain(text: str) -> bool:
    return bool(
        _PLAIN.match(text)
        and ": " not in text
        and " #" not in text
        and text[-1] not in ": "
        and not any(char in text for char in ",[]{}")
        and text.lower() not in _OLD_BOOLEAN
        and not _OLD_NUMBER.match(text)
        and not _DATE_LIKE.match(text)
        and isinstance(resolve(text)[0], str)
        and not text.startswith(("...", "%"))
    )
