"""A report without secrets: masked by value before any format escapes a text, so that no escape can hide a secret's form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from devstack.verify.model import Criterion, Report, Result, ServiceSeen

Mask = Callable[[str], str]


def masked(report: Report, mask: Mask) -> Report:
    """The same report with every text in it masked."""
    return replace(
        report,
        project=mask(report.project),
        subject=mask(report.subject),
        results=tuple(_result(result, mask) for result in report.results),
        criteria=tuple(_criterion(criterion, mask) for criterion in report.criteria),
        services=tuple(_service(seen, mask) for seen in report.services),
    )


def _result(result: Result, mask: Mask) -> Result:
    return replace(
        result,
        title=mask(result.title),
        expected=mask(result.expected),
        saw=mask(result.saw),
        evidence=_lines(result.evidence, mask),
        fix=tuple(mask(fix) for fix in result.fix),
    )


def _criterion(criterion: Criterion, mask: Mask) -> Criterion:
    return replace(criterion, text=mask(criterion.text))


def _service(seen: ServiceSeen, mask: Mask) -> ServiceSeen:
    return replace(
        seen,
        image=mask(seen.image),
        state=mask(seen.state),
        ports=_lines(seen.ports, mask),
        probes=_lines(seen.probes, mask),
        log=_lines(seen.log, mask),
        stand_in=mask(seen.stand_in),
    )


def _lines(lines: tuple[str, ...], mask: Mask) -> tuple[str, ...]:
    """Masked together: a secret of several lines (a private key) is found in none of them alone."""
    return tuple(mask("\n".join(lines)).split("\n")) if lines else ()
