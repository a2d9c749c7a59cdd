"""How the results of a verify are told; one file a format."""

from __future__ import annotations

from devstack.reports import console, json_format

FORMATS = {"console": console.whole, "json": json_format.whole}
