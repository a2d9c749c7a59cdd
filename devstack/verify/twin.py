"""The twin: the same files, images and settings under another project name, with free ports and volumes of its own."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from devstack import labels, lock
from devstack.compose.load import load
from devstack.compose.model import Mount, Port, Service, Stack, Strings
from devstack.database.snapshot import PROJECT
from devstack.engine.base import Engine
from devstack.errors import EngineRefused, Locked, NotFound
from devstack.project import Project
from devstack.verify import copies as copying
from devstack.verify.copies import Copies

SIGN = "-verify-"
"""What stands in a twin's name between its project's and its own."""
NO_COPIES = Copies()


def new_name(project: str) -> str:
    """A name for a twin of the project."""
    return f"{project}{SIGN}{secrets.token_hex(3)}"


def labels_of(project: str) -> Strings:
    """What is on everything of a twin of the project."""
    return {labels.TWIN: project}


def make(project: Project, name: str, port_variables: Mapping[str, int], copies: Copies = NO_COPIES) -> Stack:
    """The twin's stack. `port_variables` are the variables that publish ports, with their targets: they get free ports."""
    fixed = _fixed_ports(project.stack)
    free = _free_ports(len(port_variables) + len(fixed))
    settings = {variable: str(port) for variable, port in zip(port_variables, free, strict=False)}
    environment = {**project.sources.environment, **settings, "COMPOSE_PROJECT_NAME": name}
    stack = load(replace(project.sources, name=name, environment=environment))
    spare = dict(zip(fixed, free[len(port_variables) :], strict=True))
    return _apart(stack, project.stack, spare, copies)


def _fixed_ports(stack: Stack) -> list[str]:
    """Published ports, each once; those that no variable moves must be moved by us."""
    return sorted({port.published for service in stack.services.values() for port in service.ports if port.published})


def _apart(twin: Stack, original: Stack, spare: Mapping[str, int], copies: Copies) -> Stack:
    """Take away what two stacks cannot share: literal ports, container names, volume and network names given by hand.

    Volumes and networks carry the twin's label in the stack itself, so that one which is made anew (an undo) has it too.
    """
    mark = labels_of(original.name)
    services = {name: _service(service, original, spare, copies) for name, service in twin.services.items()}
    volumes = {
        k: v if v.external else replace(v, name=f"{twin.name}_{k}", labels={**v.labels, **mark}) for k, v in twin.volumes.items()
    }
    networks = {
        k: n if n.external else replace(n, name=f"{twin.name}_{k}", labels={**n.labels, **mark}) for k, n in twin.networks.items()
    }
    return replace(twin, services=services, volumes=volumes, networks=networks)


def _service(service: Service, original: Stack, spare: Mapping[str, int], copies: Copies) -> Service:
    ports = tuple(_moved(port, original.services[service.name].ports, spare) for port in service.ports)
    mounts = tuple(_copied(mount, copies) for mount in service.mounts)
    build = service.build
    if build is not None and copies.imageless and (copy := copies.file(Path(build.context))) is not None:
        build = replace(build, context=str(copy))
    return replace(service, ports=ports, mounts=mounts, build=build, container_name="", image=original.image_of(service))


def _copied(mount: Mount, copies: Copies) -> Mount:
    copy = copies.file(Path(mount.source)) if mount.type == "bind" else None
    return replace(mount, source=str(copy)) if copy is not None else mount


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
    # Copies that reset made of a twin's volumes go first: without the volumes themselves nobody would look for them.
    for volume in engine.volumes(f"{PROJECT}={name}"):
        engine.remove_volume(volume.name)
    observed = engine.observe(name)
    for network in observed.networks.values():
        if labels.TWIN in network.labels:
            engine.remove_network(network.id)
    for volume in observed.volumes.values():
        if labels.TWIN in volume.labels:
            engine.remove_volume(volume.name)


def remove_volumes(engine: Engine, stack: Stack, *, keep: frozenset[str]) -> None:
    """Remove the volumes and snapshots of a stack that were not there before verify began."""
    there = (*engine.volumes(f"{PROJECT}={stack.name}"), *engine.volumes(f"{labels.PROJECT}={stack.name}"))
    for name in {volume.name for volume in there} - keep:
        engine.remove_volume(name)


def forget(name: str) -> None:
    """Remove what a twin has on this machine beside the engine: its lock and its copies of folders. It is gone from the engine."""
    copying.remove(name)
    (lock.folder() / f"{name}.lock").unlink(missing_ok=True)
    _sign(name).unlink(missing_ok=True)


def announce(name: str) -> None:
    """Say that this name is a twin's, before anything of it is made. The caller holds its lock."""
    _sign(name).touch(mode=0o600)


def _sign(name: str) -> Path:
    return lock.folder() / f"{name}.twin"


def abandoned(project: str) -> list[str]:
    """Twins of a project that were announced and whose lock nobody holds: their verify was killed. Costs a look into one folder."""
    names = [path.name.removesuffix(".twin") for path in lock.folder().glob(f"{project}{SIGN}*.twin")]
    return sorted(name for name in names if lock.holder(name) is None)


def sweep(engine: Engine, project: str) -> list[str]:
    """Remove twins of a project whose verify is no longer there (killed, or cut off by the engine); gives their names."""
    found = {c.project for c in engine.containers() if c.labels.get(labels.TWIN) == project}
    found |= {v.labels.get(labels.PROJECT, "") for v in engine.volumes(f"{labels.TWIN}={project}")}
    return clear(engine, sorted({name for name in found if name and lock.holder(name) is None} | set(abandoned(project))))


def clear(engine: Engine, names: Iterable[str]) -> list[str]:
    """Remove abandoned twins by name; gives the names of those that are gone."""
    gone = []
    for name in names:
        try:
            with lock.locked(name, Path.cwd(), timeout=0):
                tear_down(engine, name)
        except (NotFound, Locked):
            continue  # somebody else sweeps it at the same moment
        forget(name)
        gone.append(name)
    return gone
