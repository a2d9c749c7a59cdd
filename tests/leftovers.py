"""Nameless volumes that test containers leave behind.

`down` never removes a volume, so an image's own VOLUME outlives its container; on a machine that runs the tests often, that adds up.
The engine is listened to during the whole run: what a test's container had mounted, and nobody uses any more, is removed at the end.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from devstack import labels
from devstack.engine.base import Endpoint

NAMELESS = re.compile(r"[0-9a-f]{64}")
TEMPORARY = str(Path(tempfile.gettempdir()).resolve() / "pytest-of-")
PREFIX = "t-"


def is_ours(container: Mapping[str, str]) -> bool:
    """Whether a container, by the labels its events carry, was made by a test."""
    folder = container.get(labels.WORKING_DIR, "")
    return folder.startswith(TEMPORARY) or container.get(labels.PROJECT, "").startswith(PREFIX) or labels.HELPER in container


class Listener:
    """Notes which container mounts which volume, from `start` to `sweep`."""

    def __init__(self, endpoint: Endpoint) -> None:
        import docker

        self._client = docker.APIClient(endpoint.url, version="auto", timeout=30)
        self._ours: set[str] = set()
        self._mounts: set[tuple[str, str]] = set()
        kinds = {"type": ["container", "volume"], "event": ["create", "mount"]}
        self._events = self._client.events(decode=True, filters=kinds)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(Exception):  # the run is over, or the engine is gone: either way there is no more to note
            for event in self._events:
                actor = event["Actor"]
                if event["Type"] == "container" and is_ours(actor["Attributes"]):
                    self._ours.add(actor["ID"])
                elif event["Type"] == "volume" and event["Action"] == "mount":
                    self._mounts.add((actor["ID"], actor["Attributes"].get("container", "")))

    def sweep(self) -> None:
        """Remove the nameless volumes of test containers that no container uses any more."""
        import docker.errors

        for volume in sorted(
            {volume for volume, container in self._mounts if container in self._ours and NAMELESS.fullmatch(volume)}
        ):
            with contextlib.suppress(docker.errors.APIError):  # gone already, or still in use by somebody
                self._client.remove_volume(volume)
