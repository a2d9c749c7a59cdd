"""What an unquoted word of YAML means: the rules of YAML 1.2 with the leniencies of Go's reader, which Compose uses.

`yes`, `no`, `on`, `off` and `22:22` are text; `0777` and `0o777` are octal, `0x1F` and `0b11` are numbers, `1_000` is 1000.
"""

from __future__ import annotations

import re
from math import inf, isinf, isnan

from devstack.document.nodes import Scalar

_WORDS: dict[str, Scalar] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_WORDS |= dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan"))
_WORDS |= dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), inf)
_WORDS |= dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -inf)

_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_BASED = re.compile(r"([-+]?)0(?:([xX])([0-9a-fA-F]+)|([bB])([01]+)|[oO]?([0-7]+))\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]|[ ]+)([0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?)[ ]*(Z|[-+][0-9]{1,2}:[0-9]{2})?)?\Z"
)

_LARGEST = 2**64 - 1
_SMALLEST = -(2**63)
_NUMERIC_START = frozenset("+-.0123456789")


def resolve(text: str) -> tuple[Scalar, str]:
    """The value of an unquoted scalar and the tag to keep: "" or "!!timestamp"."""
    if text in _WORDS:
        return _WORDS[text], ""
    if text[0] not in _NUMERIC_START:
        return text, ""
    digits = text.replace("_", "")
    number = _integer(digits)
    if number is not None:
        return number, ""
    if _FLOAT.match(digits):
        real = float(digits)
        return (text, "") if isinf(real) else (real, "")
    date = _DATE.match(text)
    return (_rfc3339(date), "!!timestamp") if date else (text, "")


def _integer(digits: str) -> int | None:
    if _DECIMAL.match(digits):
        value = int(digits)
    elif based := _BASED.match(digits):
        sign, _, hexadecimal, _, binary, octal = based.groups()
        value = int(hexadecimal, 16) if hexadecimal else int(binary, 2) if binary else int(octal, 8)
        value = -value if sign == "-" else value
    else:
        return None
    return value if _SMALLEST <= value <= _LARGEST else None


def _rfc3339(date: re.Match[str]) -> str:
    year, month, day, clock, zone = date.groups()
    hours, _, rest = (clock or "00:00:00").partition(":")
    return f"{year}-{int(month):02}-{int(day):02}T{int(hours):02}:{rest}{zone or 'Z'}"


def float_text(value: float) -> str:
    """A number as Go writes it where text is wanted: shortest digits, exponent below 1e-4 and from 1e+06 up."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len((whole + fraction).lstrip("0")))
    digits = digits.rstrip("0")
    if not digits:
        return f"{sign}0"
    power = point - 1
    if power < -4 or power >= 6:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{'-' if power < 0 else '+'}{abs(power):02}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"
