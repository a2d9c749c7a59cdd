"""The evidence of a failed verify in one zip file, for whoever was not there."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence

from devstack.compose.model import Json
from devstack.reports import html, json_format, markdown
from devstack.verify.model import Report, ServiceSeen

EARLIEST = 315532800.0
"""1980-01-01: a zip file knows no earlier time."""


def pack(report: Report, files: Mapping[str, str], findings: Sequence[Json]) -> bytes:
    """The zip file. `report` and `files` (name -> text, the rendered ones and what they come from) are masked already; `findings` are
    those of `doctor`. The same arguments give the same bytes."""
    buffer = io.BytesIO()
    when = time.gmtime(max(report.begun, EARLIEST))[:6]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in _entries(report, files, findings):
            entry = zipfile.ZipInfo(name, when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            packed.writestr(entry, text)
    return buffer.getvalue()


def _entries(report: Report, files: Mapping[str, str], findings: Sequence[Json]) -> Iterator[tuple[str, str]]:
    yield "report.json", json_format.whole(report)
    yield "report.html", html.whole(report)
    yield "report.md", markdown.whole(report)
    yield "timings.json", _json(_timings(report))
    yield "doctor.json", _json(list(findings))
    yield "ports.txt", "".join(f"{seen.service}  {port}\n" for seen in report.services for port in seen.ports)
    for name, text in files.items():
        yield f"files/{name}", text
    for seen in report.services:
        yield f"services/{seen.service}/log.txt", _lines(seen.log)
        yield f"services/{seen.service}/health.txt", _health(seen)


def _timings(report: Report) -> Json:
    return {
        "seconds": round(report.seconds, 3),
        "startup": report.startup.as_json() if report.startup else None,
        "results": {result.id: round(result.seconds, 3) for result in report.results},
        "past": [run.as_json() for run in report.past],
    }


def _health(seen: ServiceSeen) -> str:
    made = (f"stand-in {seen.stand_in}",) if seen.stand_in else ()
    return _lines((f"image {seen.image}", *made, f"state {seen.state}", f"restarts {seen.restarts}", *seen.probes))


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
