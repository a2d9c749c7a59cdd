"""How whoever runs a file says what the database is like when it failed."""

from __future__ import annotations

from collections.abc import Callable

State = Callable[[bool], str]
"""Says in one line what the database is like; True: this file was rolled back."""
