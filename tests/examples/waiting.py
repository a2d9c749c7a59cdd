"""What the tests of the examples wait for."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable


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
