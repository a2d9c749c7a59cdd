"""A report as Markdown for a pull request: the acceptance checklist with its evidence, then the checks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from devstack.reports.console import summary
from devstack.reports.plain import plain
from devstack.verify.model import Criterion, Report, Result, Severity, Status

MARKS = {Status.PASS: "✅", Status.FAIL: "❌", Status.SKIP: "➖"}
LINES = 30
"""Lines of evidence of one result; a pull request takes 65,536 letters in all."""
_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|~!@&$])")
_CODE = re.compile(r"`+")


def whole(report: Report) -> str:
    """The document as text."""
    blocks = [f"## devstack verify: {text(report.project)} {'✅ passed' if report.ok else '❌ failed'}", _about(report)]
    if report.criteria:
        blocks += ["### Acceptance criteria", "\n".join(line for item in report.criteria for line in _criterion(report, item))]
    failed = [result for result in report.results if result.status is Status.FAIL]
    if failed:
        blocks += ["### What failed", *(_failure(result) for result in failed)]
    blocks += ["### Checks", _table(report)]
    return "\n\n".join(blocks) + "\n"


def text(value: str) -> str:
    """A text of one line in which nothing means anything to Markdown or HTML, and nobody is mentioned."""
    return _ACTIVE.sub(r"\\\1", " ".join(plain(value).split())).replace("\\@", "@\N{ZERO WIDTH NON-JOINER}")


def code(value: str) -> str:
    """A text of one line as code, with as many backticks around it as it takes."""
    one_line = " ".join(plain(value).split()).replace("|", "\N{BROKEN BAR}")
    fence = "`" * (1 + max((len(run) for run in _CODE.findall(one_line)), default=0))
    pad = " " if one_line.startswith("`") or one_line.endswith("`") else ""
    return f"{fence}{pad}{one_line}{pad}{fence}"


def block(lines: tuple[str, ...]) -> str:
    """Lines as a block of code, cut where there are too many."""
    shown = [*lines[:LINES], f"... {len(lines) - LINES} more lines"] if len(lines) > LINES else list(lines)
    content = plain("\n".join(shown))
    fence = "`" * max(3, 1 + max((len(run) for run in _CODE.findall(content)), default=0))
    return f"{fence}text\n{content}\n{fence}"


def mark(result: Result) -> str:
    return "⚠️" if result.status is Status.FAIL and result.severity is not Severity.ERROR else MARKS[result.status]


def _about(report: Report) -> str:
    parts = [
        f"**{summary(report)}**",
        f"{report.mode} of {text(report.project)}",
        text(report.engine),
        f"devstack {report.version}",
    ]
    if report.startup is not None:
        path = " → ".join(report.startup.critical_path)
        parts.insert(1, f"cold start {report.startup.seconds:.1f} s of {report.startup.budget:g} s ({text(path)})")
    return " · ".join(part for part in parts if part)


def _criterion(report: Report, criterion: Criterion) -> Iterator[str]:
    """`- [x] AC6 text`, and below it each result it rests on with what was seen."""
    box = "x" if criterion.status is Status.PASS else " "
    why = " (not checked)" if criterion.status is Status.SKIP else ""
    yield f"- [{box}] **{text(criterion.id)}** {text(criterion.text)}{why}"
    by_id = {result.id: result for result in report.results}
    for name in criterion.results:
        if (result := by_id.get(name)) is not None:
            sign = "" if result.status is Status.PASS else f"{mark(result)} "
            yield f"  - {sign}{code(name)} {text(result.saw or result.title)}"


def _failure(result: Result) -> str:
    lines = [f"#### {mark(result)} {code(result.id)} {text(result.title)}", ""]
    lines += [f"- **expected** {text(result.expected)}"] if result.expected else []
    lines += [f"- **saw** {text(result.saw)}"]
    lines += [f"- **where** {code(str(result.where))}"] if result.where else []
    lines += [f"- **next** {code(fix)}" for fix in result.fix]
    return "\n".join([*lines, "", block(result.evidence)] if result.evidence else lines)


def _table(report: Report) -> str:
    rows = ["| | check | what | saw | time |", "|---|---|---|---|---:|"]
    for result in report.results:
        cells = (mark(result), code(result.id), text(result.title), text(result.saw), f"{result.seconds:.1f} s")
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)
