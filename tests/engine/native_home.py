"""A home for the native engine in a test, with the programs of package registries kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def home(folder: Path) -> dict[str, str]:
    """An environment whose native engine lives in `folder`. The programs it fetches stay in the cache folder of the machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "devstack-native-tools"
    if os.getuid() == 0:
        cache = Path("/var/cache/devstack-native-tools")  # where a user without rights can run them
    cache.mkdir(parents=True, exist_ok=True)
    place = folder / "native"
    place.mkdir(parents=True, exist_ok=True)
    for each in (place, *place.parents[:3]):
        if os.getuid() == 0 and each.stat().st_uid == 0 and each != Path("/"):
            each.chmod(each.stat().st_mode | 0o011)  # pytest's folders let nobody else through
    if not (place / "tools").exists():
        (place / "tools").symlink_to(cache)
    return {**os.environ, "DEVSTACK_NATIVE_HOME": str(place), "DEVSTACK_ENGINE": "native"}
