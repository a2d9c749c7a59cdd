"""A report for GitHub Actions: the Markdown of the step's summary, and a line for each failure that is shown at its place in the files."""

from __future__ import annotations

from devstack.reports import markdown
from devstack.verify.model import Report, Result, Severity, Status

LARGEST = 900_000
"""Bytes; GitHub takes a step's summary of 1 MiB and shows nothing of a larger one."""
WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def whole(report: Report) -> str:
    """The step's summary."""
    said = markdown.whole(report)
    if len(said.encode()) <= LARGEST:
        return said
    cut = said.encode()[:LARGEST].decode(errors="ignore").rpartition("\n")[0]
    return f"{cut}\n\n... cut here; the other reports are whole.\n"


def commands(report: Report, prefix: str = "") -> list[str]:
    """A workflow command for each failure. `prefix` leads from the repository's top to the folder that relative paths begin in."""
    return [_annotation(result, prefix) for result in report.results if result.status is Status.FAIL]


def _annotation(result: Result, prefix: str) -> str:
    properties = []
    if result.where is not None:
        outside = result.where.file.startswith("/")
        properties.append(f"file={_property(result.where.file if outside or not prefix else f'{prefix}/{result.where.file}')}")
        properties += [f"line={result.where.line}"] if result.where.line is not None else []
        properties += [f"col={result.where.column}"] if result.where.column is not None else []
    properties.append(f"title={_property(f'{result.id}: {result.title}')}")
    story = [f"expected {result.expected}" if result.expected else "", f"saw {result.saw}", *(f"next: {fix}" for fix in result.fix)]
    return f"::{WORDS[result.severity]} {','.join(properties)}::{_data(chr(10).join(line for line in story if line))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
