"""Stacks and observations made by hand, for tests that need no engine and no files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from devstack import labels
from devstack.compose.fields import fields
from devstack.compose.hash import service_hash
from devstack.compose.model import Attachment, Condition, Dependency, Healthcheck, Mount, Network, Service, Stack, Volume
from devstack.engine.base import Container, Health, Observed, ObservedImage, ObservedMount, ObservedNetwork, ObservedVolume, State


def service(name: str, *, needs: Sequence[tuple[str, Condition]] = (), probe: bool = True, **more: Any) -> Service:
    """A service with an image, the default network and (unless told) a probe."""
    dependencies = tuple(Dependency(other, condition) for other, condition in needs)
    check = Healthcheck(test=("CMD", "true"), interval=5.0, retries=3, timeout=5.0) if probe else None
    canonical = {"image": f"{name}:1", "environment": {"LEVEL": "info"}, "command": None, "entrypoint": None}
    values: dict[str, Any] = {
        "image": f"{name}:1",
        "command": ("sleep", "300"),
        "canonical": canonical,
        "depends_on": dependencies,
        "healthcheck": check,
        "networks": (Attachment(network="default"),),
    }
    return Service(name=name, **(values | more))


def stack(*services: Service, name: str = "shop", volumes: Sequence[str] = ()) -> Stack:
    """A stack of the services, with a default network and the volumes."""
    return Stack(
        name=name,
        directory=Path("/project"),
        files=(Path("/project/compose.yaml"),),
        services={item.name: item for item in services},
        networks={"default": Network(key="default", name=f"{name}_default", canonical={})},
        volumes={key: Volume(key=key, name=f"{name}_{key}", canonical={}) for key in volumes},
    )


def volume_mount(key: str, target: str) -> Mount:
    return Mount(type="volume", source=key, target=target)


def container(stack: Stack, service: Service, number: int = 1, **more: Any) -> Container:
    """A healthy container of the service, as this devstack would have made it."""
    made = Container(
        id=f"{service.name}{number}".ljust(64, "0"),
        name=service.container_name or f"{stack.name}-{service.name}-{number}",
        image=stack.image_of(service),
        image_id=f"sha256:{service.name}",
        state=State.RUNNING,
        health=Health.HEALTHY if service.healthcheck else Health.NONE,
        status="Up 3 minutes",
        labels={
            labels.PROJECT: stack.name,
            labels.SERVICE: service.name,
            labels.NUMBER: str(number),
            labels.ONEOFF: "False",
            labels.CONFIG_HASH: service_hash(service.canonical),
            labels.IMAGE: f"sha256:{service.name}",
            labels.WORKING_DIR: str(stack.directory),
            labels.FIELDS: json.dumps(fields(service.canonical)),
        },
        networks={f"{stack.name}_default": "172.18.0.2"},
        mounts=tuple(
            ObservedMount(type="volume", target=m.target, name=stack.volumes[m.source].name)
            for m in service.mounts
            if m.source in stack.volumes
        ),
    )
    return replace(made, **more)


def observed(stack: Stack, *containers: Container, networks: bool = True, volumes: bool = True, images: bool = True) -> Observed:
    """What an engine would show: the containers, and (unless told) every network, volume and image of the stack."""
    return Observed(
        project=stack.name,
        containers=containers,
        networks={n.name: ObservedNetwork(id=f"id-{n.name}", name=n.name) for n in stack.networks.values()} if networks else {},
        volumes={v.name: ObservedVolume(name=v.name) for v in stack.volumes.values()} if volumes else {},
        images={
            stack.image_of(s): ObservedImage(reference=stack.image_of(s), id=f"sha256:{s.name}") for s in stack.services.values()
        }
        if images
        else {},
    )
