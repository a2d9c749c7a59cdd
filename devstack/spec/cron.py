"""The grammar of a five-field schedule, so that a wrong one is told before a container fails over it."""

from __future__ import annotations

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES: dict[str, dict[str, int]] = {
    "month": {name: number for number, name in enumerate(_MONTHS, 1)},
    "day of week": {name: number for number, name in enumerate(_DAYS)},
}


def schedule_problem(text: str) -> str:
    """What is wrong with a schedule, in words; "" when nothing is."""
    fields = text.split()
    if text.startswith("@"):
        return f'"{text}" is a nickname, five fields are expected'
    if len(fields) != 5:
        return f"a schedule has five fields, this has {len(fields)}"
    for value, (name, low, high) in zip(fields, _FIELDS, strict=True):
        for part in value.lower().split(","):
            if not _fits(part, low, high, _NAMES.get(name, {})):
                return f'"{part}" is no {name} ({low} to {high})'
    return ""


def _fits(part: str, low: int, high: int, names: dict[str, int]) -> bool:
    span, slash, step = part.partition("/")
    if slash and (not step.isascii() or not step.isdigit() or int(step) < 1):
        return False
    if span == "*":
        return True
    first, dash, last = span.partition("-")
    numbers = [_number(word, names) for word in ((first, last) if dash else (first,))]
    return all(number is not None and low <= number <= high for number in numbers) and (
        len(numbers) == 1 or (numbers[0] or 0) <= (numbers[1] or 0)
    )


def _number(word: str, names: dict[str, int]) -> int | None:
    if word in names:
        return names[word]
    return int(word) if word.isascii() and word.isdigit() else None
