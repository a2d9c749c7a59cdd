"""Small stacks for tests: services of one program each, on the image that every engine under test has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devstack.compose.model import Attachment, FileObject, Network, Service, Stack, Volume
from devstack.engine.base import Engine, NewContainer

IMAGE = "busybox:1.37"
FOREVER = ("sleep", "1000")


def service(name: str, command: tuple[str, ...] = FOREVER, *, image: str = IMAGE, **fields: Any) -> Service:
    """One service on the default network. Its canonical form holds what tells it from another."""
    fields.setdefault("networks", (Attachment(network="default"),))
    fields.setdefault("stop_grace_period", 0.0)
    canonical = {"command": list(command), "entrypoint": None, "image": image, "networks": {"default": None}}
    return Service(name=name, canonical=fields.pop("canonical", canonical), image=image, command=command, **fields)


def network(project: str, key: str = "default", **fields: Any) -> Network:
    name = f"{project}_{key}"
    return Network(key=key, name=name, canonical={"name": name, "ipam": {}}, **fields)


def volume(project: str, key: str, **fields: Any) -> Volume:
    name = f"{project}_{key}"
    return Volume(key=key, name=name, canonical={"name": name}, **fields)


def stack(
    project: str,
    *services: Service,
    volumes: tuple[str, ...] = (),
    networks: tuple[str, ...] = ("default",),
    secrets: tuple[FileObject, ...] = (),
    directory: Path = Path("/tmp"),
) -> Stack:
    return Stack(
        name=project,
        directory=directory,
        files=(directory / "compose.yaml",),
        services={s.name: s for s in services},
        networks={key: network(project, key) for key in networks},
        volumes={key: volume(project, key) for key in volumes},
        secrets={item.key: item for item in secrets},
    )


def new(engine: Engine, stack: Stack, name: str, number: int = 1, /, **fields: Any) -> NewContainer:
    """What `create` needs for a service of the stack."""
    found = stack.services[name]
    image = engine.image(stack.image_of(found))
    assert image is not None, f"the engine has no image {stack.image_of(found)}"
    fields.setdefault("name", found.container_name or f"{stack.name}-{name}-{number}")
    return NewContainer(service=found, number=number, image=image.reference, image_id=image.id, **fields)


def made(engine: Engine, stack: Stack, *names: str) -> list[str]:
    """Networks, volumes and containers of a stack, created and not started; the ids in the order of `names` (default: all)."""
    for item in stack.networks.values():
        engine.create_network(stack, item)
    for each in stack.volumes.values():
        engine.create_volume(stack, each)
    return [engine.create(stack, new(engine, stack, name)) for name in names or stack.services]


def up(engine: Engine, stack: Stack, *names: str) -> list[str]:
    """As `made`, and started."""
    containers = made(engine, stack, *names)
    for container in containers:
        engine.start(container)
    return containers
