"""Durations and sizes: text to numbers and back to the text Compose prints. Errors are `ValueError` with words for a person."""

from __future__ import annotations

import re
from decimal import Decimal

_NANO = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_NANO |= {"d": 24 * 3600 * 10**9, "w": 7 * 24 * 3600 * 10**9}
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w)")
_SIZE = re.compile(r"(\d+(?:\.\d+)*) ?([kKmMgGtTpP])?[iI]?[bB]?")
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_LONGEST = 2**63 - 1


def nanoseconds(text: str) -> int:
    """`1m30s`, `1.5s`, `2d` to nanoseconds."""
    body = text.removeprefix("-").removeprefix("+")
    if body == "0":
        return 0
    pieces = _DURATION.findall(body)
    if not pieces or "".join(pieces) != body:
        if re.fullmatch(r"\d+(\.\d+)?", body):
            raise ValueError(f'{text!r} is a duration without a unit: write "{text}s" for seconds')
        raise ValueError(f"{text!r} is no duration: numbers with units h, m, s, ms, as in 1m30s")
    total = 0
    for piece in pieces:
        digits = piece.rstrip("nuµμmshdw")
        total += int(Decimal(digits) * _NANO[piece[len(digits) :]])
    if total > _LONGEST:
        raise ValueError(f"{text!r} is longer than 292 years")
    return -total if text.startswith("-") else total


def duration_text(nano: int) -> str:
    """Nanoseconds as Go prints a duration: "1m30s", "1.5s", "100ms", "0s"."""
    if nano == 0:
        return "0s"
    sign = "-" if nano < 0 else ""
    nano = abs(nano)
    if nano < 10**9:
        unit, size = ("ns", 1) if nano < 10**3 else ("µs", 10**3) if nano < 10**6 else ("ms", 10**6)
        return f"{sign}{_decimal(nano, size)}{unit}"
    minutes, rest = divmod(nano, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h"] if hours else []
    if hours or minutes:
        parts.append(f"{minutes}m")
    return f"{sign}{''.join(parts)}{_decimal(rest, 10**9)}s"


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    return str(whole) if rest == 0 else f"{whole}.{str(rest).zfill(len(str(unit)) - 1).rstrip('0')}"


def size(value: str | int | float) -> int:
    """`64m`, `1.5gb`, `1048576` to bytes; multiples are of 1024. A negative number passes as it is (-1: no limit)."""
    if isinstance(value, (int, float)):
        return int(value)
    if re.fullmatch(r"-\d+", value):
        return int(value)
    match = _SIZE.fullmatch(value)
    if match is None or match[1].count(".") > 1:
        raise ValueError(f"{value!r} is no size: a number with b, k, m, g or t, as in 512m")
    return int(Decimal(match[1]) * 1024 ** _POWER[(match[2] or "").lower()])
