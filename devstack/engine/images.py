"""Images: looking at them, and pulling them with progress in bytes."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import docker
import docker.auth
import docker.utils

from devstack.engine import observing
from devstack.engine.observed import ObservedImage
from devstack.engine.translate import refusal
from devstack.engine.wire import Wire, message, pieces
from devstack.errors import EngineError, EngineRefused, ImageUnavailable, NotFound

if TYPE_CHECKING:
    from devstack.engine.base import OnProgress, Progress

SILENCE = 300.0
"""The longest a registry may say nothing, in seconds."""

_REASONS = (
    (r"no such host|server misbehaving|temporary failure in name resolution", "the name {registry} cannot be resolved (offline?)"),
    (r"connection refused", "{registry} refuses the connection"),
    (r"network is unreachable|no route to host", "there is no network route to {registry} (offline?)"),
    (r"timeout|deadline exceeded|timed out", "{registry} does not answer"),
    (r"toomanyrequests|rate limit|429", "{registry} says that the pull limit is reached; log in or wait"),
    (r"no matching manifest|does not match the specified platform", "it does not exist for this machine's platform"),
    (r"manifest unknown|manifest for .* not found", "{registry} has no such tag"),
    (r"denied|unauthorized|authentication required|forbidden", "{registry} has no such repository, or it needs a login"),
    (r"x509|certificate", "the certificate of {registry} is not trusted"),
    (r"not found", "{registry} has no such image"),
)


def look(wire: Wire, reference: str) -> ObservedImage | None:
    try:
        return wire.again(
            f"looking at image {reference}",
            lambda c: observing.image(reference, c.inspect_image(reference)),  # type: ignore[no-untyped-call]
        )
    except NotFound:
        return None
    except EngineRefused as error:
        if error.status == 400:
            raise ImageUnavailable(f'"{reference}" is no image reference: {error.message}') from error
        raise


def registry_of(reference: str) -> str:
    """The host an image comes from: "docker.io" unless its first part looks like a host."""
    first, slash, _ = reference.partition("/")
    return first if slash and (first == "localhost" or "." in first or ":" in first) else "docker.io"


def pull(wire: Wire, reference: str, *, platform: str, on_progress: OnProgress | None) -> ObservedImage:
    doing = f"pulling {reference}"
    meter = Meter()
    try:
        for item in _messages(wire, reference, platform, doing):
            if "error" in item:
                raise refusal(None, str(item["error"]), doing)
            if on_progress is not None:
                on_progress(meter.add(item))
    except EngineRefused as error:
        if "no space left on device" in error.message:
            raise
        raise unavailable(wire, reference, error.message) from error
    found = look(wire, reference)
    if found is None:
        raise unavailable(wire, reference, "the engine does not have it after the pull")
    return found


def push(wire: Wire, reference: str, *, on_progress: OnProgress | None) -> None:
    """Raises `ImageUnavailable` when the image is not here or its registry does not take it."""
    doing = f"pushing {reference}"
    meter = Meter()
    repository, tag = docker.utils.parse_repository_tag(reference)
    try:
        for item in _conversation(wire, f"/images/{repository}/push", {"tag": tag or "latest"}, repository, doing):
            if "error" in item:
                raise refusal(None, str(item["error"]), doing)
            if on_progress is not None:
                on_progress(meter.add(item))
    except EngineRefused as error:
        registry = registry_of(reference)
        hints = ["docker login" + ("" if registry == "docker.io" else f" {registry}"), "name the image after a registry of yours"]
        words = [("registry", registry), ("engine says", error.message)]
        raise ImageUnavailable(f"image {reference} cannot be pushed", details=words, hints=hints) from error


def _messages(wire: Wire, reference: str, platform: str, doing: str) -> Iterator[dict[str, Any]]:
    repository, tag = docker.utils.parse_repository_tag(reference)
    params = {"fromImage": repository, "tag": tag or "latest"} | ({"platform": platform} if platform else {})
    return _conversation(wire, "/images/create", params, repository, doing)


def _conversation(wire: Wire, path: str, params: dict[str, str], repository: str, doing: str) -> Iterator[dict[str, Any]]:
    """What the engine tells while it talks to a registry, message by message."""

    def request(client: docker.APIClient) -> Any:
        registry, _ = docker.auth.resolve_repository_name(repository)
        # Without a login the header must still be there for a push: an empty object says so.
        secret = docker.auth.get_config_header(client, registry) or b"e30="
        headers = {"X-Registry-Auth": secret}
        limits = (wire.timeout, SILENCE)
        response = client.post(wire.url(path), params=params, headers=headers, stream=True, timeout=limits)
        if response.status_code >= 400:
            raise refusal(response.status_code, message(response), doing)
        return response

    response = wire.call(doing, request)
    with contextlib.closing(response):
        lines = (line for line in response.iter_lines() if line)
        yield from pieces(doing, map(_message, lines))


def _message(line: bytes) -> dict[str, Any]:
    item = json.loads(line)
    if not isinstance(item, dict):
        raise TypeError(f"a pull does not say {line[:40]!r}")
    return item


class Meter:
    """Adds up the layers of a pull. `total` grows while layers are still being found."""

    def __init__(self) -> None:
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}

    def add(self, item: dict[str, Any]) -> Progress:
        from devstack.engine.base import Progress

        layer, status, detail = str(item.get("id", "")), str(item.get("status", "")), item.get("progressDetail") or {}
        if status in ("Downloading", "Pushing") and detail.get("total"):
            self._total[layer] = int(detail["total"])
            self._done[layer] = int(detail.get("current", 0))
        elif layer in self._total and status in (
            "Download complete",
            "Pull complete",
            "Extracting",
            "Verifying Checksum",
            "Pushed",
        ):
            self._done[layer] = self._total[layer]
        return Progress(status, sum(self._done.values()), sum(self._total.values()))


def unavailable(wire: Wire, reference: str, words: str) -> ImageUnavailable:
    """The error for an image that cannot be had: why in plain words, and what is there instead."""
    registry = registry_of(reference)
    known = (text for pattern, text in _REASONS if re.search(pattern, words, re.IGNORECASE))
    why = next(known, "the engine could not pull it").format(registry=registry)
    details = [("registry", registry), ("engine says", words)]
    nearby = similar(wire, reference)
    if nearby:
        details.append(("on this engine", ", ".join(nearby)))
    hints = ["build or load it: docker load -i <file>"]
    if "login" in why or "log in" in why:
        hints.insert(0, "docker login" + ("" if registry == "docker.io" else f" {registry}"))
    return ImageUnavailable(f"image {reference} is not here and cannot be pulled: {why}", details=details, hints=hints)


def similar(wire: Wire, reference: str, limit: int = 5) -> tuple[str, ...]:
    """Local tags of a repository whose last part has the same name: postgres:15 for ghcr.io/x/postgres:16."""
    name = docker.utils.parse_repository_tag(reference)[0].rsplit("/", 1)[-1]
    try:
        known = wire.again("listing images", lambda c: [tag for item in c.images() for tag in item.get("RepoTags") or ()])
    except (EngineError, EngineRefused):
        return ()
    tags = [tag for tag in known if tag != reference and "<none>" not in tag]
    return tuple(sorted(tag for tag in tags if docker.utils.parse_repository_tag(tag)[0].rsplit("/", 1)[-1] == name)[:limit])
