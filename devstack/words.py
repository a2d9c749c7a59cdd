"""How a number of things is said."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """ "1 file", "2 files", "1,204 files"; a noun of several words takes its s at the end."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
