"""Checkouts on the real engine that are taken away again, and a look at the end whether anything is left."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from devstack import labels
from devstack.engine.base import Engine
from tests.conftest import absent, tags_of_images
from tests.scenarios.checkout import SESSION, Checkout, free_ports

IMAGES = ("busybox:1.37", "redis:7", "postgres:17")
numbers = itertools.count(1)

MakeCheckout = Callable[..., Checkout]


@pytest.fixture(scope="session")
def ground(engine: Engine) -> Iterator[Engine]:
    """An engine that has the images; at the end nothing of this run is left on it."""
    for reference in IMAGES:
        if engine.image(reference) is None:
            absent(f"the engine has no image {reference} (build the stand-ins: python -m tests.images.build)")
    yield engine
    left = leftovers(engine)
    assert not left, f"the scenarios left behind: {left}"


@pytest.fixture(scope="session")
def sdk(ground: Engine) -> Iterator[docker.DockerClient]:
    """The Docker SDK, for what a person does to a stack behind devstack's back."""
    client = docker.DockerClient(base_url=ground.info.endpoint.url)
    yield client
    client.close()


@contextmanager
def checkouts(engine: Engine, root: Path) -> Iterator[MakeCheckout]:
    made: list[Checkout] = []

    def make(files: Mapping[str, str], *, project: str = "", folder: str = "", port: int = 0) -> Checkout:
        project = project or f"{SESSION}-{next(numbers)}"
        where = root / (folder or project)
        where.mkdir(parents=True, exist_ok=True)
        checkout = Checkout(where, project, engine, port or free_ports(1)[0])
        made.append(checkout)
        return checkout.write(files)

    try:
        yield make
    finally:
        for checkout in made:
            remove(engine, checkout.project)


@pytest.fixture
def checkout(ground: Engine, tmp_path: Path) -> Iterator[MakeCheckout]:
    """Makes checkouts in folders of their own; all that is theirs on the engine is removed after the test."""
    with checkouts(ground, tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def standing(ground: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeCheckout]:
    """The same for a whole file of tests."""
    with checkouts(ground, tmp_path_factory.mktemp("standing")) as make:
        yield make


def is_of(name: str, project: str) -> bool:
    """Whether a container, network or volume belongs to a project, or to a copy of it that got a longer name."""
    return name == project or name.startswith((f"{project}-", f"{project}_"))


def remove(engine: Engine, project: str) -> None:
    """Take away all that a project has on the engine: second checkouts, twins and snapshots too."""
    for container in engine.containers():
        helps = labels.HELPER in container.labels and any(is_of(mount.name, project) for mount in container.mounts)
        if is_of(container.project, project) or helps:
            engine.remove(container.id, anonymous_volumes=True)
    client = docker.DockerClient(base_url=engine.info.endpoint.url)
    try:
        for network in client.networks.list():
            if is_of(network.name, project):
                network.remove()
        for volume in client.volumes.list():
            if is_of(volume.name, project):
                volume.remove(force=True)
        for image in client.api.images(filters={"label": labels.PROJECT}):
            if is_of(image["Labels"][labels.PROJECT], project):
                client.images.remove(image["Id"], force=True)
    finally:
        client.close()


def leftovers(engine: Engine) -> list[str]:
    """Names of everything on the engine that this run made."""
    client = docker.DockerClient(base_url=engine.info.endpoint.url)
    try:
        found = [c.name for c in engine.containers() if c.project.startswith(SESSION) or c.name.startswith(SESSION)]
        found += [n.name for n in client.networks.list() if n.name.startswith(SESSION)]
        found += [v.name for v in client.volumes.list() if v.name.startswith(SESSION)]
        found += [tag for tag in tags_of_images(client) if tag.startswith(SESSION)]
        return found
    finally:
        client.close()
