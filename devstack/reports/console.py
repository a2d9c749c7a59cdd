"""Results as lines for people: a line each, and for a failure what was expected, what was seen, the lines that show it, what to do."""

from __future__ import annotations

from devstack.verify.model import Criterion, Report, Result, Severity, Status

MARKS = {Status.PASS: "✓", Status.FAIL: "✗", Status.SKIP: "-"}
WARNING = "!"
TITLE = 58


def mark(result: Result) -> str:
    """The sign of a result: a failure that is only a warning has its own."""
    return WARNING if result.status is Status.FAIL and result.severity is not Severity.ERROR else MARKS[result.status]


def lines(result: Result) -> list[str]:
    """One result."""
    took = f"{result.seconds:.1f} s" if result.seconds >= 0.05 else ""
    found = [f" {mark(result)} {result.check:<11} {result.title:<{TITLE}} {took}".rstrip()]
    if result.status is Status.FAIL:
        found += [_line("expected", result.expected)] if result.expected else []
        found += [_line("saw", result.saw)]
        found += [_line("", line) for line in result.evidence]
        found += [_line("where", str(result.where))] if result.where else []
        found += [_line("next" if index == 0 else "", fix) for index, fix in enumerate(result.fix)]
    elif result.status is Status.SKIP or result.id == "start.cold":
        found.append(_line("", result.saw))
    return found


def criterion(found: Criterion, report: Report) -> str:
    """One criterion, with the checks that fail it."""
    failing = [r.id for r in report.results if r.id in found.results and r.status is Status.FAIL]
    why = f"  {', '.join(failing)}" if failing else "  not checked" if found.status is Status.SKIP else ""
    return f" {MARKS[found.status]} {found.id:<11} {found.text}{why}"


def summary(report: Report) -> str:
    """The counts in one line."""
    warnings = report.warnings
    counts = [f"{report.count(Status.PASS)} passed", f"{report.count(Status.FAIL) - warnings} failed"]
    counts += [f"{warnings} warnings" if warnings > 1 else "1 warning"] if warnings else []
    counts += [f"{report.count(Status.SKIP)} skipped"]
    runs = f", {report.runs} runs" if report.runs > 1 else ""
    return f"{', '.join(counts)} in {report.seconds:.1f} s{runs}"


def closing(report: Report) -> list[str]:
    """What is told after the last result: the criteria, what was flaky, the counts."""
    found = ["", *(criterion(item, report) for item in report.criteria), ""] if report.criteria else []
    found += [f" {name} failed in {count} of {report.runs} runs" for name, count in report.failures.items()]
    return [*found, summary(report)]


def whole(report: Report) -> str:
    """All of it."""
    return "\n".join([line for result in report.results for line in lines(result)] + closing(report))


def _line(label: str, text: str) -> str:
    return f"{'':15}{label:<9} {text}" if label else f"{'':25}{text}"
