"""The labels that devstack writes: Compose's own, so that `docker compose` sees the same stack, and ours."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping

from devstack import labels
from devstack.compose.fields import fields
from devstack.compose.hash import network_hash, service_hash, volume_hash
from devstack.compose.model import EMPTY, Json, JsonObject, Network, Service, Stack, Strings, Volume
from devstack.engine.base import NewContainer

_RUN_NAME = re.compile(r"-run-([0-9a-f]{12})$")


def resolved(service: Service, namespaces: Strings = EMPTY) -> JsonObject:
    """The canonical service with references to other services replaced by container ids, as Compose hashes it.

    `namespaces` maps service names to container ids; a service that refers to nobody comes back unchanged. Compose hashes the names
    of label files besides the labels in them.
    """
    found: dict[str, Json] = {"label_file": list(service.label_files)} if service.label_files else {}
    for key in ("network_mode", "ipc", "pid"):
        kind, _, name = str(service.canonical.get(key) or "").partition(":")
        if kind == "service" and name in namespaces:
            found[key] = f"container:{namespaces[name]}"
    sources = service.canonical.get("volumes_from")
    if isinstance(sources, list) and sources:
        found["volumes_from"] = [_volume_source(str(source), namespaces) for source in sources]
    return {**service.canonical, **found} if found else service.canonical


def _volume_source(text: str, namespaces: Strings) -> str:
    """Compose keeps only the container here: the `:ro` of a `volumes_from` entry is not part of the hash."""
    parts = text.split(":")
    if parts[0] == "container":
        return parts[1] if len(parts) > 1 else ""
    return namespaces.get(parts[0], text)


def config_hash(service: Service, namespaces: Strings = EMPTY) -> str:
    """What the config-hash label of the service's containers is when nothing has drifted."""
    return service_hash(resolved(service, namespaces))


def container_labels(stack: Stack, new: NewContainer) -> dict[str, str]:
    """Every label of a new container: the user's, Compose's full set, ours."""
    service = new.service
    found = {
        **service.labels,
        labels.PROJECT: stack.name,
        labels.SERVICE: service.name,
        labels.CONFIG_HASH: config_hash(service, new.namespaces),
        labels.ONEOFF: "True" if new.one_off else "False",
        labels.IMAGE: new.image_id,
        labels.DEPENDS_ON: depends_on_label(service),
        labels.WORKING_DIR: str(stack.directory),
        labels.CONFIG_FILES: ",".join(str(path) for path in stack.files),
        labels.VERSION: labels.COMPOSE_VERSION,
        labels.FIELDS: json.dumps(fields(service.canonical), separators=(",", ":"), sort_keys=True),
    }
    if stack.env_files and stack.env_files != (stack.directory / ".env",):
        found[labels.ENVIRONMENT_FILE] = ",".join(str(path) for path in stack.env_files)
    if new.replaces:
        found[labels.REPLACE] = new.replaces
    if new.one_off:
        found[labels.SLUG] = _slug(new.name)
    else:
        found[labels.NUMBER] = str(new.number)
    return {**found, **new.extra_labels}


def _slug(name: str) -> str:
    """64 hex digits that begin with the 12 in a one-off's name, as Compose derives the name from the slug."""
    start = _RUN_NAME.search(name)
    return start[1] + secrets.token_hex(26) if start else secrets.token_hex(32)


def depends_on_label(service: Service) -> str:
    """`svc:condition:restart` joined by commas; Compose rebuilds the graph from it when it has no file."""
    return ",".join(f"{d.service}:{d.condition.value}:{str(d.restart).lower()}" for d in service.depends_on)


def network_labels(stack: Stack, network: Network, extra: Mapping[str, str] = EMPTY) -> dict[str, str]:
    return {
        **network.labels,
        labels.PROJECT: stack.name,
        labels.NETWORK: network.key,
        labels.CONFIG_HASH: network_hash(network.canonical),
        labels.VERSION: labels.COMPOSE_VERSION,
        labels.DIRECTORY: str(stack.directory),
        **extra,
    }


def volume_labels(stack: Stack, volume: Volume, extra: Mapping[str, str] = EMPTY) -> dict[str, str]:
    return {
        **volume.labels,
        labels.PROJECT: stack.name,
        labels.VOLUME: volume.key,
        labels.CONFIG_HASH: volume_hash(volume.canonical),
        labels.VERSION: labels.COMPOSE_VERSION,
        labels.DIRECTORY: str(stack.directory),
        **extra,
    }


def image_labels(stack: Stack, service: Service, builder: str) -> dict[str, str]:
    """Labels of a built image; `builder` is "buildkit" or "classic"."""
    own = service.build.labels if service.build else EMPTY
    return {**own, labels.PROJECT: stack.name, labels.SERVICE: service.name, labels.BUILDER: builder}
