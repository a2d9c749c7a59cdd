"""The checks, in the order they run. When the stack does not even start, only the first one speaks."""

from __future__ import annotations

from devstack.verify.base import Check
from devstack.verify.checks import data, health, reach, schema, start

CHECKS: dict[str, Check] = {
    "start": start.check,
    "health": health.check,
    "reach": reach.check,
    "schema": schema.check,
    "data": data.check,
}
