"""Checkouts as the scenarios have them, and Docker Compose where it is installed."""

from __future__ import annotations

from tests.scenarios.conftest import checkout, ground, sdk, standing

__all__ = ["checkout", "ground", "sdk", "standing"]
