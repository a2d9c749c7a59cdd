"""What the tests of the examples wait for."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

PATIENCE = 30.0
"""Seconds until something is given up that a busy machine does late. No promise of speed: verify's reload checks hold that."""


def assert_route_served(file: Path, router: str, api: str) -> None:
    """A route that is written into a FastAPI module is served."""
    url = f"{api}/edited"
    route = f'\n\n@{router}.get("/edited")\ndef edited() -> dict[str, str]:\n    return {{"edited": "yes"}}\n'

    def is_served() -> bool:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(json.load(answer) == {"edited": "yes"})

    assert_served(file, lambda text: text + route, is_served, lambda: is_missing(url))


def assert_served(file: Path, edit: Callable[[str], str], is_served: Callable[[], bool], is_taken_back: Callable[[], bool]) -> None:
    """An edit of a file is served, and so is its end: the next test must not meet a process that is about to be replaced."""
    before = file.read_text()
    file.write_text(edit(before))
    try:
        assert within(PATIENCE, is_served)
    finally:
        file.write_text(before)
        assert within(PATIENCE, is_taken_back)


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    """Whether something becomes so in time; an error while asking counts as not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if is_so():
                return True
        except (OSError, KeyError, IndexError):
            pass
        time.sleep(0.05)
    return False


def is_missing(url: str) -> bool:
    """Whether a server answers that there is no such page: an edit that was taken back is served as such."""
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        return error.code == 404
    return False
