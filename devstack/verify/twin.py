"""The twin: the same files, images and settings under another project name, with free ports and volumes of its own."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace

from devstack import labels, lock
from devstack.compose.load import load
from devstack.compose.model import Port, Service, Stack
from devstack.engine.base import Engine
from devstack.errors import EngineRefused, NotFound
from devstack.project import Project


def make(project: Project, port_variables: Mapping[str, int]) -> Stack:
    """The twin's stack. `port_variables` are the variables that publish ports, with their targets: they get free ports."""
    name = f"{project.stack.name}-verify-{secrets.token_hex(2)}"
    fixed = _fixed_ports(project.stack)
    free = _free_ports(len(port_variables) + len(fixed))
    settings = {variable: str(port) for variable, port in zip(port_variables, free, strict=False)}
    environment = {**project.sources.environment, **settings, "COMPOSE_PROJECT_NAME": name}
    stack = load(replace(project.sources, name=name, environment=environment))
    spare = dict(zip(fixed, free[len(port_variables) :], strict=True))
    return _apart(stack, project.stack, spare)


def _fixed_ports(stack: Stack) -> list[str]:
    """Published ports, each once; those that no variable moves must be moved by us."""
    return sorted({port.published for service in stack.services.values() for port in service.ports if port.published})


def _apart(twin: Stack, original: Stack, spare: Mapping[str, int]) -> Stack:
    """Take away what two stacks cannot share: literal ports, container names, volume and network names given by hand."""
    services = {name: _service(service, original, spare) for name, service in twin.services.items()}
    volumes = {k: v if v.external else replace(v, name=f"{twin.name}_{k}") for k, v in twin.volumes.items()}
    networks = {k: n if n.external else replace(n, name=f"{twin.name}_{k}") for k, n in twin.networks.items()}
    return replace(twin, services=services, volumes=volumes, networks=networks)


def _service(service: Service, original: Stack, spare: Mapping[str, int]) -> Service:
    ports = tuple(_moved(port, original.services[service.name].ports, spare) for port in service.ports)
    return replace(service, ports=ports, container_name="", image=original.image_of(service))


def _moved(port: Port, originals: tuple[Port, ...], spare: Mapping[str, int]) -> Port:
    unmoved = any(o.target == port.target and o.published == port.published for o in originals)
    return replace(port, published=str(spare[port.published])) if port.published and unmoved else port


def _free_ports(count: int) -> list[int]:
    """Ports that are free now, all held at once so that they differ."""
    with ExitStack() as held:
        ports = []
        for _ in range(count):
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports.append(int(probe.getsockname()[1]))
        return ports


PASSES = 3
PAUSE = 0.3
"""Seconds between two passes: a step that was under way when the work was cut off may still be making something."""


def tear_down(engine: Engine, name: str, *, interrupted: bool = False) -> None:
    """Remove everything of a twin: it is recognised by our label, so nothing else can be hit."""
    for _ in range(PASSES - 1 if interrupted else 0):
        with suppress(EngineRefused):  # a network may have got a new container meanwhile: the next pass removes both
            _remove_all(engine, name)
        time.sleep(PAUSE)
    _remove_all(engine, name)


def _remove_all(engine: Engine, name: str) -> None:
    for container in engine.containers(name):
        if labels.TWIN in container.labels:
            engine.kill(container.id) if container.running else None
            engine.remove(container.id, anonymous_volumes=True)
    observed = engine.observe(name)
    for network in observed.networks.values():
        if labels.TWIN in network.labels:
            engine.remove_network(network.id)
    for volume in observed.volumes.values():
        if labels.TWIN in volume.labels:
            engine.remove_volume(volume.name)


def sweep(engine: Engine, project: str) -> list[str]:
    """Remove twins of a project whose verify is no longer there (killed, or cut off by the engine); gives their names."""
    found = {c.project for c in engine.containers() if c.labels.get(labels.TWIN) == project}
    found |= {v.labels.get(labels.PROJECT, "") for v in engine.volumes(f"{labels.TWIN}={project}")}
    abandoned = sorted(name for name in found if name and lock.holder(name) is None)
    for name in abandoned:
        try:
            tear_down(engine, name)
        except NotFound:
            continue  # somebody else swept it at the same moment
    return abandoned
