"""How containers come into being and go: what a lost reply leaves behind is found again, and nobody else's is touched."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

from devstack import labels
from devstack.compose.apisocket import is_handed, with_logins
from devstack.compose.model import Healthcheck, Service, Stack, Strings
from devstack.engine import copying, labelling, networking, observing
from devstack.engine.base import Container, NewContainer
from devstack.engine.create.body import container_body
from devstack.engine.create.mounts import copied_files
from devstack.engine.create.networks import endpoints
from devstack.engine.create.profiles import with_profiles
from devstack.engine.ending import remove
from devstack.engine.inspecting import looked_up
from devstack.engine.wire import Wire
from devstack.errors import Conflict, EngineRefused

RACE = 2.0
"""Seconds in which a name that is in use may have no container yet: the engine reserves the name first."""


class Creator:
    """Makes containers on one engine; remembers what images bring along."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._image_probes: dict[str, Healthcheck | None] = {}
        self._looking = threading.Lock()

    def create(self, stack: Stack, new: NewContainer) -> str:
        """The id of the new container, with all its networks and files, not started."""
        found = labelling.container_labels(stack, new)
        places = endpoints(stack, new, api=self._wire.api)
        if is_handed(new.service):
            from devstack.engine.logins import logins

            stack = with_logins(stack, logins())
        files = copied_files(stack, new.service)
        profiled = replace(new, service=with_profiles(new.service, stack.directory))
        body = container_body(stack, profiled, found, api=self._wire.api, image_probe=self._image_probe(new))
        if self._wire.endpoint.local:
            make_bind_folders(new.service)
        container = self._create(new, body, found)
        try:
            for name, settings in places.afterwards.items():
                networking.attach(self._wire, name, container, settings)
            if files:
                copying.copy_in(self._wire, container, files)
        except BaseException:
            # A container without its secrets would be taken for a good one by the next run.
            remove(self._wire, container, anonymous_volumes=True)
            raise
        return container

    def _image_probe(self, new: NewContainer) -> Healthcheck | None:
        """The image's own probe where the service relies on it; asked once per image."""
        check = new.service.healthcheck
        if not new.fast_start or self._wire.api < (1, 44) or (check is not None and (check.test or check.disable)):
            return None
        key = new.image_id or new.image
        with self._looking:
            if key not in self._image_probes:
                self._image_probes[key] = self._wire.again(
                    f"looking at image {new.image}",
                    lambda c: observing.image_probe(c.inspect_image(key)),  # type: ignore[no-untyped-call]
                )
        return self._image_probes[key]

    def _create(self, new: NewContainer, body: dict[str, object], found: Strings) -> str:
        doing, deadline = f"creating container {new.name}", time.monotonic() + RACE
        platform = new.service.platform or None
        while True:
            try:
                return self._wire.again(
                    doing,
                    lambda c: str(c.create_container_from_config(body, new.name, platform)["Id"]),  # type: ignore[no-untyped-call]
                )
            except Conflict as error:
                holder = looked_up(self._wire, new.name)
                if holder is not None:
                    return adopted(holder, found, error)
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def make_bind_folders(service: Service) -> None:
    """Missing folders are made here, as the caller: the engine would make them as root."""
    for mount in service.mounts:
        if mount.type == "bind" and mount.create_host_path and not Path(mount.source).exists():
            try:
                Path(mount.source).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise EngineRefused(
                    f"{service.name}: the folder {mount.source} cannot be made ({error.strerror})",
                    hints=["make it by hand, or mount another one"],
                ) from error


def adopted(holder: Container, wanted: Strings, error: Conflict) -> str:
    """The id of the container that has the name already, if it is the very one that was to be made and never ran."""
    same = (labels.PROJECT, labels.SERVICE, labels.CONFIG_HASH, labels.ONEOFF, labels.IMAGE, labels.NUMBER)
    started = holder.detail is not None and holder.detail.started_at > 0
    if not started and all(holder.labels.get(key, "") == wanted.get(key, "") for key in same):
        return holder.id
    owner = f"compose project {holder.project}" if holder.project else "no compose project"
    raise Conflict(
        f'the container name "{holder.name}" is taken by another container',
        status=409,
        details=[
            ("container", f"{holder.name} ({holder.id[:12]}), {holder.state.value}"),
            ("image", holder.image),
            ("belongs to", owner),
            ("made", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.created))),
        ],
        hints=[f"look at it: docker inspect {holder.name}", f"rename or remove it yourself: docker rm {holder.name}"],
    ) from error
