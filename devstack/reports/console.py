"""Results as lines for people: a line each, and for a failure what was expected, what was seen and the lines that show it."""

from __future__ import annotations

from collections.abc import Sequence

from devstack.verify.base import Result, Status

MARKS = {Status.PASS: "✓", Status.FAIL: "✗", Status.SKIP: "-"}


def lines(result: Result) -> list[str]:
    """One result."""
    took = f"{result.seconds:.1f} s" if result.seconds else ""
    found = [f" {MARKS[result.status]} {result.check:<8} {result.title:<58} {took}".rstrip()]
    if result.status is Status.FAIL:
        found += [_line("expected", result.expected), _line("saw", result.saw)]
        found += [_line("", line) for line in result.evidence]
    elif result.status is Status.SKIP or result.check == "start":
        found.append(_line("", result.saw))
    return found


def summary(results: Sequence[Result], seconds: float) -> str:
    """The counts in one line."""
    count = {status: sum(1 for result in results if result.status is status) for status in Status}
    return f"{count[Status.PASS]} passed, {count[Status.FAIL]} failed, {count[Status.SKIP]} skipped in {seconds:.1f} s"


def whole(results: Sequence[Result], seconds: float) -> str:
    """All of them."""
    return "\n".join([line for result in results for line in lines(result)] + [summary(results, seconds)])


def _line(label: str, text: str) -> str:
    return f"{'':12}{label:<9} {text}" if label else f"{'':12}{text}"
