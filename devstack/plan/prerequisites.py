"""What containers are made of: images, networks and volumes that are not there yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from devstack.compose.model import Service, Stack
from devstack.engine.base import Observed
from devstack.errors import DevstackError, ImageUnavailable
from devstack.plan.steps import Build, CreateNetwork, CreateVolume, Pull, Step


def prerequisites(stack: Stack, observed: Observed, services: Sequence[Service]) -> list[Step]:
    """The steps that must come before any container of the services."""
    return [*_images(stack, observed, services), *_networks(stack, observed, services), *_volumes(stack, observed, services)]


def _images(stack: Stack, observed: Observed, services: Sequence[Service]) -> Iterator[Pull | Build]:
    wanted: dict[str, list[Service]] = {}
    for service in services:
        wanted.setdefault(stack.image_of(service), []).append(service)
    for reference, users in wanted.items():
        if reference not in observed.images:
            yield _image(reference, users)


def _image(reference: str, services: Sequence[Service]) -> Pull | Build:
    builder = next((service for service in services if service.build is not None), None)
    if builder is not None:
        return Build(service=builder, image=reference, reason="not built yet")
    names = ", ".join(service.name for service in services)
    if any(service.pull_policy == "never" for service in services):
        raise ImageUnavailable(
            f"image {reference} is not on the engine and pull_policy is never",
            details=[("wanted by", names)],
            hints=[f"docker pull {reference}", "set pull_policy: missing"],
        )
    return Pull(
        reference=reference,
        platform=services[0].platform,
        services=tuple(service.name for service in services),
        reason=f"for {names}",
    )


def _networks(stack: Stack, observed: Observed, services: Sequence[Service]) -> Iterator[CreateNetwork]:
    used = {attachment.network for service in services for attachment in service.networks}
    for key, network in stack.networks.items():
        if network.name in observed.networks or key not in used:
            continue
        if network.external:
            raise _missing(f"network {network.name} is external and does not exist", f"docker network create {network.name}")
        yield CreateNetwork(network=network, reason="")


def _volumes(stack: Stack, observed: Observed, services: Sequence[Service]) -> Iterator[CreateVolume]:
    used = {mount.source for service in services for mount in service.mounts if mount.type == "volume"}
    for key, volume in stack.volumes.items():
        if volume.name in observed.volumes or key not in used:
            continue
        if volume.external:
            raise _missing(f"volume {volume.name} is external and does not exist", f"docker volume create {volume.name}")
        yield CreateVolume(volume=volume, reason="")


def _missing(message: str, command: str) -> DevstackError:
    return DevstackError(message, hints=[command], code="external-missing")
