"""Results as data; fields are only ever added."""

from __future__ import annotations

import json
from collections.abc import Sequence

from devstack.compose.model import Json
from devstack.verify.base import Result, Status


def document(results: Sequence[Result], seconds: float) -> dict[str, Json]:
    """The counts and every result."""
    count = {status: sum(1 for result in results if result.status is status) for status in Status}
    return {
        "passed": count[Status.PASS],
        "failed": count[Status.FAIL],
        "skipped": count[Status.SKIP],
        "seconds": round(seconds, 3),
        "results": [result.as_json() for result in results],
    }


def whole(results: Sequence[Result], seconds: float) -> str:
    """The document as text."""
    return json.dumps(document(results, seconds), ensure_ascii=False, indent=2)
