"""The engine that tests run on, and a project name of their own that leaves nothing behind."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from devstack import labels
from devstack.engine.base import Endpoint, Engine
from devstack.errors import EngineError

LISTENER: pytest.StashKey[Any] = pytest.StashKey()
NEEDED = os.environ.get("DEVSTACK_REQUIRE_ENGINE") == "1"
LONG = ("examples", "scenarios", "verify", "verbs", "database", "engine")
"""The folders whose files take minutes. They are begun first, so that at the end no worker waits for another's last file."""


def absent(why: str) -> None:
    """Skip, or fail where the engine is required."""
    if NEEDED:
        pytest.fail(f"DEVSTACK_REQUIRE_ENGINE=1, and {why}", pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def endpoint() -> Endpoint:
    """The endpoint of a real engine."""
    from devstack.engine.endpoint import resolve

    try:
        return resolve(None, os.environ)
    except EngineError as error:
        absent(str(error.message))
        raise AssertionError("unreachable") from error


@pytest.fixture(scope="session")
def engine(endpoint: Endpoint) -> Iterator[Engine]:
    """A real engine, one connection for the whole session."""
    from devstack.engine.docker import connect

    try:
        connected = connect(endpoint)
    except EngineError as error:
        absent(str(error.message))
        raise AssertionError("unreachable") from error
    yield connected
    connected.close()


@pytest.fixture
def project(engine: Engine) -> Iterator[str]:
    """A project name that nobody else has; everything labelled with it is removed at the end."""
    name = f"t-{secrets.token_hex(4)}"
    helpers = {c.id for c in engine.containers() if labels.HELPER in c.labels}
    yield name
    sweep(engine, name)
    left = [
        c.name for c in engine.containers() if labels.HELPER in c.labels and c.id not in helpers and name in c.labels[labels.HELPER]
    ]
    assert not left, f"helper containers were left behind: {left}"


def sweep(engine: Engine, project: str) -> None:
    """Remove what carries a project's label, and the volumes whose names begin with it."""
    observed = engine.observe(project)
    for container in observed.containers:
        engine.remove(container.id, anonymous_volumes=True)
    for network in observed.networks.values():
        engine.remove_network(network.name)
    for volume in observed.volumes:
        engine.remove_volume(volume)
    for found in engine.volumes(f"io.devstack.project={project}"):
        engine.remove_volume(found.name)


def tags_of_images(client: docker.DockerClient) -> list[str]:
    """The tags of all images that the engine has.

    The SDK's `images.list()` asks for each image once more, and fails when another test's `up` removed one in between.
    """
    return [tag for image in client.api.images() for tag in image["RepoTags"] or ()]


@pytest.fixture
def require_image(engine: Engine) -> Callable[[str], str]:
    """Skip (or fail) unless the engine has an image; gives the reference back."""

    def require(reference: str) -> str:
        if engine.image(reference) is None:
            absent(f"the engine has no image {reference} (build the stand-ins: python -m tests.images.build)")
        return reference

    return require


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((place for place, name in enumerate(LONG) if f"tests/{name}/" in item.nodeid), len(LONG)))


def pytest_sessionstart(session: pytest.Session) -> None:
    """One listener for all workers of a run; none where there is no engine."""
    from devstack.engine.endpoint import resolve, why_not
    from tests.leftovers import Listener

    if hasattr(session.config, "workerinput"):
        return
    try:
        endpoint = resolve(None, os.environ)
    except EngineError:
        return
    if not why_not(endpoint):
        session.config.stash[LISTENER] = Listener(endpoint)


def pytest_sessionfinish(session: pytest.Session) -> None:
    listener = session.config.stash.get(LISTENER, None)
    if listener is not None:
        listener.sweep()
