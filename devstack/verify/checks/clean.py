"""clean: every volume has a name; `down` leaves no container, no network, no volume but those; no image lies about that was replaced."""

from __future__ import annotations

from collections.abc import Iterator

from devstack import labels
from devstack.compose.model import Strings
from devstack.database.snapshot import PROJECT
from devstack.errors import DevstackError
from devstack.plan.down import nameless, naming
from devstack.verify.base import Ground, Topic
from devstack.verify.model import Result, Severity
from devstack.verify.places import place
from devstack.words import counted


def down(ground: Ground) -> Iterator[Result]:
    """What the engine still has of the stack after `down`."""
    assert ground.runner is not None
    topic = Topic(
        check="clean",
        of="down",
        title="down leaves only the declared volumes",
        expected="no container, no network, no other volume",
    )
    try:
        ground.runner.down()
        observed = ground.look()
    except DevstackError as error:
        yield topic.error(error)
        return
    declared = {volume.name for volume in ground.stack.volumes.values()}
    external = {network.name for network in ground.stack.networks.values() if network.external}
    left = [f"container {container.name}" for container in observed.containers]
    left += [
        f"network {name}"
        for name, network in observed.networks.items()
        if name not in external and _is_ours(ground, network.labels)
    ]
    left += [
        f"volume {name}"
        for name, volume in observed.volumes.items()
        if name not in declared and labels.SNAPSHOT not in volume.labels and PROJECT not in volume.labels
    ]
    if left:
        yield topic.failed(f"{counted(len(left), 'thing')} left", evidence=left, fix=["devstack down --remove-orphans"])
    else:
        yield topic.passed(f"{counted(len(declared), 'declared volume')}, nothing else")


def named(ground: Ground) -> Iterator[Result]:
    """A volume without a name stays behind at each `down`, and what is in it is found by nobody. A warning: perhaps nothing is."""
    topic = Topic(
        check="clean",
        of="named",
        title="every volume has a name",
        expected="none that `down` leaves where no later `up` finds it",
        severity=Severity.WARNING,
    )
    left = nameless(ground.look())
    if not left:
        yield topic.passed("no volume without one")
        return
    service, target = left[0]
    yield topic.failed(
        f"{counted(len(left), 'volume')} without one",
        evidence=[f"{service}: {target}" for service, target in left],
        fix=[naming(service, target), f"tmpfs: [{target}]   (nothing in it is to be kept)"],
        where=place(ground, "services", service),
    )


def images(ground: Ground) -> Iterator[Result]:
    """Of what was built for the stack. A warning: what lies there takes room and does no harm."""
    topic = Topic(
        check="clean",
        of="images",
        title="no image is left that a newer build has replaced",
        expected="none that no container uses",
        severity=Severity.WARNING,
    )
    names = dict.fromkeys((ground.declared.name, ground.stack.name))
    try:
        left = [image for name in names for image in ground.engine.replaced(name)]
    except DevstackError as error:
        yield topic.error(error)
        return
    if not left:
        yield topic.passed("none")
        return
    prune = [f"docker image prune --filter label={labels.PROJECT}={name}" for name in names]
    yield topic.failed(f"{counted(len(left), 'image')} left", evidence=left, fix=prune[:1])


def _is_ours(ground: Ground, found: Strings) -> bool:
    return found.get(labels.PROJECT) == ground.stack.name
