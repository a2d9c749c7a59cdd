"""A report as JUnit XML, which GitHub actions, GitLab and Jenkins read: a suite of the checks, and one of the team's criteria."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from devstack.errors import Where
from devstack.reports.plain import plain
from devstack.verify.model import Criterion, Report, Result, Status

CRITERIA = "criteria"
"""The check whose results are told as criteria, and not twice."""


def whole(report: Report) -> str:
    """The document as text. A failure that is only a warning is a passed case with its story in `system-out`."""
    cases = [_check(report, result) for result in report.results if result.check != CRITERIA]
    criteria = [_criterion(report, criterion) for criterion in report.criteria]
    suites = [_suite(report, f"devstack verify {report.project}", cases, report.seconds)]
    if criteria:
        suites.append(_suite(report, f"acceptance criteria of {report.project}", criteria, 0.0))
    root = _element("testsuites", name=f"devstack verify {report.project}", **_counts([*cases, *criteria], report.seconds))
    root.extend(suites)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _suite(report: Report, name: str, cases: Sequence[Xml.Element], seconds: float) -> Xml.Element:
    when = datetime.fromtimestamp(report.begun, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = _element("testsuite", name=name, timestamp=when, hostname=report.subject, **_counts(cases, seconds))
    about = {"mode": str(report.mode), "engine": report.engine, "devstack": report.version}
    properties = _element("properties")
    properties.extend(_element("property", name=key, value=value) for key, value in about.items())
    suite.append(properties)
    suite.extend(cases)
    return suite


def _counts(cases: Sequence[Xml.Element], seconds: float) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "time": f"{seconds:.3f}",
    }


def _check(report: Report, result: Result) -> Xml.Element:
    case = _case(f"devstack.{report.project}.{result.check}", result.id, result.seconds, result.where)
    if result.fails:
        _told(case, "failure", f"{result.title}: {result.saw}", _story(result), type=str(result.severity))
    elif result.status is Status.SKIP:
        _told(case, "skipped", result.saw, "")
    else:
        _told(case, "system-out", "", _story(result))
    return case


def _criterion(report: Report, criterion: Criterion) -> Xml.Element:
    rests = [result for result in report.results if result.id in criterion.results]
    # What a check did for itself is counted there; these were made for the criterion alone.
    seconds = sum(result.seconds for result in rests if result.check == CRITERIA)
    where = criterion.where or next((result.where for result in rests if result.where), None)
    case = _case(f"devstack.{report.project}.{CRITERIA}", f"{criterion.id} {criterion.text}", seconds, where)
    if criterion.status is Status.FAIL:
        failing = [result for result in rests if result.status is Status.FAIL]
        why = "; ".join(f"{result.id}: {result.saw}" for result in failing)
        _told(case, "failure", why or "it does not hold", "\n\n".join(map(_story, failing)), type="criterion")
    elif criterion.status is Status.SKIP:
        _told(case, "skipped", "; ".join(result.saw for result in rests) or "not checked", "")
    else:
        _told(case, "system-out", "", "\n\n".join(map(_story, rests)))
    return case


def _case(classname: str, name: str, seconds: float, where: Where | None) -> Xml.Element:
    case = _element("testcase", classname=classname, name=name, time=f"{seconds:.3f}")
    if where is not None:
        case.set("file", plain(where.file))
        if where.line is not None:
            case.set("line", str(where.line))
    return case


def _told(case: Xml.Element, tag: str, message: str, text: str, **attributes: str) -> None:
    told = _element(tag, **({"message": message} if message else {}), **attributes)
    told.text = plain(text) or None
    case.append(told)


def _element(tag: str, **attributes: str) -> Xml.Element:
    return Xml.Element(tag, {name: plain(value) for name, value in attributes.items()})


def _story(result: Result) -> str:
    lines = [result.title, f"expected  {result.expected}" if result.expected else "", f"saw       {result.saw}", *result.evidence]
    lines += [f"where     {result.where}"] if result.where else []
    lines += [f"next      {fix}" for fix in result.fix]
    return "\n".join(line for line in lines if line)
