"""A report as data; fields are only ever added. `devstack verify --schema` prints what it looks like."""

from __future__ import annotations

import json

from devstack.verify.model import Report


def whole(report: Report) -> str:
    """The document as text."""
    return json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n"
