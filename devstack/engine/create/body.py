"""A service as the JSON body of `POST /containers/create`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from devstack.compose.model import Healthcheck, Service, Stack, Strings
from devstack.engine.base import NewContainer
from devstack.engine.create.filled import Body, filled, nanoseconds
from devstack.engine.create.host import host_settings
from devstack.engine.create.mounts import storage
from devstack.engine.create.networks import endpoints, network_mode, port_bindings

FAST_PROBE = 0.25
"""Seconds between probes while a container starts, where the engine can and the user asked for nothing."""
PATIENCE = 30.0
"""The least start period that goes with it: failures inside it do not count."""
DEFAULT_INTERVAL = 30.0
"""The engine's own, in seconds."""


def container_body(
    stack: Stack, new: NewContainer, labels: Strings, *, api: tuple[int, int], image_probe: Healthcheck | None = None
) -> Body:
    """The whole body. `image_probe` is the image's own probe, if its start can be sped up."""
    service = new.service
    store = storage(stack, new)
    return _argv(service, new.command) | filled(
        {
            "Image": new.image,
            "Env": [key if value is None else f"{key}={value}" for key, value in service.environment.items()],
            "Labels": dict(labels),
            "Hostname": service.hostname,
            "Domainname": service.domainname,
            "User": service.user,
            "WorkingDir": service.working_dir,
            "ExposedPorts": {port: {} for port in _exposed(service)},
            "Tty": service.tty or new.tty,
            "OpenStdin": service.stdin_open or new.stdin,
            "StdinOnce": new.stdin,
            "AttachStdin": False,
            "AttachStdout": True,
            "AttachStderr": True,
            "StopSignal": service.stop_signal,
            "StopTimeout": None if service.stop_grace_period is None else math.ceil(service.stop_grace_period),
            "Healthcheck": probe(service, fast=new.fast_start and api >= (1, 44), image_probe=image_probe, api=api),
            "MacAddress": service.mac_address if api < (1, 44) else "",
            "HostConfig": {
                **host_settings(service, api=api, one_off=new.one_off, namespaces=new.namespaces),
                **filled({"Binds": store.binds, "Mounts": store.mounts, "Tmpfs": store.tmpfs, "VolumesFrom": store.volumes_from}),
                **filled({"PortBindings": port_bindings(service) if new.publish else {}}),
                "NetworkMode": network_mode(stack, service, new.namespaces),
            },
            "NetworkingConfig": filled({"EndpointsConfig": endpoints(stack, new, api=api).at_create}),
        }
    )


def _argv(service: Service, command: tuple[str, ...] | None) -> Body:
    """An empty list stays: it clears the image's own words, where a missing key keeps them."""
    words = {"Cmd": service.command if command is None else command, "Entrypoint": service.entrypoint}
    return {key: list(value) for key, value in words.items() if value is not None}


def probe(service: Service, *, fast: bool, image_probe: Healthcheck | None, api: tuple[int, int]) -> Body | None:
    """The `Healthcheck` object, times in nanoseconds; None leaves the image's own alone."""
    check = service.healthcheck
    if check is None:
        return _cadence(image_probe, Healthcheck()) if fast and image_probe else None
    if check.disable or check.test == ("NONE",):
        return {"Test": ["NONE"]}
    body = filled(
        {
            "Test": list(check.test),
            "Interval": nanoseconds(check.interval),
            "Timeout": nanoseconds(check.timeout),
            "Retries": check.retries,
            "StartPeriod": nanoseconds(check.start_period),
            "StartInterval": nanoseconds(check.start_interval) if api >= (1, 44) else None,
        }
    )
    if fast and check.start_interval is None and (check.test or image_probe):
        body.update(_cadence(check, image_probe or Healthcheck()))
    return body


def _cadence(check: Healthcheck, under: Healthcheck) -> Body:
    """Probes every quarter of a second within the start period; `under` says what the image has where `check` is silent."""
    interval = check.interval or under.interval or DEFAULT_INTERVAL
    period = check.start_period or under.start_period or max(interval, PATIENCE)
    return {"StartPeriod": nanoseconds(period), "StartInterval": nanoseconds(min(FAST_PROBE, interval))}


def _exposed(service: Service) -> Iterable[str]:
    for port in service.ports:
        yield f"{port.target}/{port.protocol}"
    for text in service.expose:
        numbers, _, protocol = text.partition("/")
        for number in _range(numbers):
            yield f"{number}/{protocol or 'tcp'}"


def _range(text: str) -> Iterable[str]:
    span = re.fullmatch(r"(\d+)-(\d+)", text)
    return map(str, range(int(span[1]), int(span[2]) + 1)) if span else (text,)
