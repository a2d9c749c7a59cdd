"""Several runs as one report: what failed in any of them has failed, and it is said how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devstack.verify.model import Criterion, Report, Result, Status


def together(reports: Sequence[Report]) -> Report:
    """One report of all runs. Times are those of all; the start and the services are the last run's."""
    last = reports[-1]
    if len(reports) == 1:
        return last
    ids = list(dict.fromkeys(result.id for report in reports for result in report.results))
    results = tuple(_worst(name, reports) for name in ids)
    failures = {r.id: count for r in results if r.status is Status.FAIL and (count := _failed(r.id, reports))}
    return replace(
        last,
        begun=reports[0].begun,
        seconds=sum(report.seconds for report in reports),
        results=results,
        criteria=tuple(_criterion(item, reports) for item in last.criteria),
        runs=len(reports),
        failures=failures,
    )


def _worst(name: str, reports: Sequence[Report]) -> Result:
    """A failure where there was one, else a pass where there was one."""
    found = [result for report in reports for result in report.results if result.id == name]
    order = (Status.FAIL, Status.PASS, Status.SKIP)
    return min(found, key=lambda result: order.index(result.status))


def _failed(name: str, reports: Sequence[Report]) -> int:
    return sum(1 for report in reports for result in report.results if result.id == name and result.status is Status.FAIL)


def _criterion(found: Criterion, reports: Sequence[Report]) -> Criterion:
    states = {item.status for report in reports for item in report.criteria if item.id == found.id}
    status = Status.FAIL if Status.FAIL in states else Status.SKIP if Status.SKIP in states else Status.PASS
    return replace(found, status=status)
