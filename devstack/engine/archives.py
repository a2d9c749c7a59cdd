"""Files in and out of containers, as tar streams through the engine's archive API."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from devstack.engine import observing
from devstack.engine.base import PathStat
from devstack.engine.tars import plain_tar
from devstack.engine.translate import refusal
from devstack.engine.wire import Wire, message, pieces
from devstack.errors import NotFound

PATIENCE = 600.0
"""Seconds the engine may take to unpack what it was sent."""
CHUNK = 1 << 20


def stat(wire: Wire, container: str, path: str) -> PathStat | None:
    """What stands at a path of a container, running or not; None when there is nothing."""
    doing = f"looking at {path} in {container}"

    def request(client: Any) -> PathStat | None:
        response = client.head(wire.url(f"/containers/{container}/archive"), params={"path": path}, timeout=wire.timeout)
        if response.status_code == 404:
            # A HEAD has no words: whether the path or the container is missing, only the container can tell.
            client.inspect_container(container)
            return None
        if response.status_code >= 400:
            raise refusal(response.status_code, message(response), doing)
        told = json.loads(base64.b64decode(response.headers["X-Docker-Container-Path-Stat"]))
        return observing.path_stat(told)

    return wire.again(doing, request)


def read(wire: Wire, container: str, path: str) -> Iterator[bytes]:
    """A tar of the file or folder; its first part is the path's last. Raises `NotFound`."""
    doing = f"reading {path} from {container}"
    stream, _ = wire.call(doing, lambda c: c.get_archive(container, path, chunk_size=CHUNK))
    return pieces(doing, stream)


def write(wire: Wire, container: str, folder: str, data: Iterable[bytes], *, owners: bool) -> None:
    """Unpack a plain tar in a folder that is there. Files belong to whom the tar says, with `owners` to the container's user."""
    doing = f"writing to {folder} in {container}"
    params: dict[str, str] = {"path": folder} | ({"copyUIDGID": "1"} if owners else {})
    body = plain_tar(data)

    def request(client: Any) -> None:
        url = wire.url(f"/containers/{container}/archive")
        with contextlib.closing(client.put(url, params=params, data=body, timeout=(wire.timeout, PATIENCE))) as response:
            if response.status_code == 404:
                raise NotFound(message(response), status=404)
            if response.status_code >= 400:
                raise refusal(response.status_code, message(response), doing)

    wire.call(doing, request)
