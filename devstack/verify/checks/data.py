"""data: what is written through a service is there after `down` and `up`; `reset` takes it away, and `undo` brings it back.

A mere restart proves nothing here: a container that is only restarted keeps data that it never put into its volume.
"""

from __future__ import annotations

from collections.abc import Iterator

from devstack.compose.roles import Postgres, role_of
from devstack.errors import DevstackError
from devstack.verify import markers, resetting
from devstack.verify.base import Ground, Topic
from devstack.verify.checks.schema import difference, facts, places
from devstack.verify.markers import Marker
from devstack.verify.model import Result, Status
from devstack.verify.places import place
from devstack.words import counted


def persists(ground: Ground) -> Iterator[Result]:
    """A marker into each volume, the containers removed and made again, the markers read back."""
    assert ground.runner is not None
    topics = {marker: _topic(ground, marker, "persists", "survives down and up") for marker in markers.of(ground)}
    written = []
    for marker, topic in topics.items():
        try:
            markers.write(ground, marker)
        except DevstackError as error:
            yield topic.skipped(f"no marker could be written: {error.message}")
        else:
            written.append(marker)
    if not topics:
        yield Topic(check="data.persists", title="data survives down and up").skipped("no service has a named volume")
    if not written:
        return
    before = {marker: ground.container(marker.service.name).id for marker in written}
    trouble = _again(ground, written)
    if trouble is not None:
        yield Topic(check="data.persists", title="data survives down and up", expected="the stack comes up again").error(trouble)
        return
    for marker in written:
        yield _kept(ground, topics[marker], marker, before[marker])


def _topic(ground: Ground, marker: Marker, part: str, title: str, then: str = "there") -> Topic:
    return Topic(
        check=f"data.{part}",
        of=marker.mount.source,
        title=f"{marker.service.name}: volume {marker.mount.source} {title}",
        service=marker.service.name,
        expected=f"the {marker.way} written before is {then}",
        where=place(ground, "services", marker.service.name, "volumes"),
    )


def _again(ground: Ground, written: list[Marker]) -> DevstackError | None:
    """Everything down, and up again as far as the markers need it."""
    assert ground.runner is not None
    try:
        ground.runner.down()
        ground.runner.up(tuple(dict.fromkeys(marker.service.name for marker in written)))
    except DevstackError as error:
        return error
    return None


def _kept(ground: Ground, topic: Topic, marker: Marker, before: str) -> Result:
    try:
        there = markers.read(ground, marker)
        container = ground.container(marker.service.name)
    except DevstackError as error:
        return topic.error(error)
    if container.id == before:
        return topic.failed("down left the container, so this shows nothing")
    if there == marker.nonce:
        return topic.passed("it is there, in a new container")
    found = [f"{m.type} {m.name or m.source or '(nameless)'} at {m.target}" for m in container.mounts]
    role = role_of(marker.service, ground.stack.secrets)
    if isinstance(role, Postgres):
        found += _data_folder(ground, marker)
    fix = [f"mount the volume where {marker.service.name} keeps its data", "devstack doctor"]
    return topic.failed(f"it is gone: {marker.service.name} does not keep its data in this volume", evidence=found, fix=fix)


def _data_folder(ground: Ground, marker: Marker) -> list[str]:
    try:
        return [f"the server writes to {folder}" for folder in markers.sql(ground, marker, "SHOW data_directory")]
    except DevstackError:
        return []


def reset(ground: Ground) -> Iterator[Result]:
    """`reset` gives exactly what the files make, `undo` brings back what was there."""
    assert ground.runner is not None
    if not ground.owns_data:
        yield Topic(check="data.reset", title="reset and undo").skipped("the stack holds data of yours, which is not emptied")
        return
    lost = {result.id for result in ground.results if result.status is Status.FAIL}
    kept = [marker for marker in markers.of(ground) if f"data.persists.{marker.mount.source}" not in lost]
    written = [marker for marker in kept if markers.there(ground, marker)]
    if not written:
        yield Topic(check="data.reset", title="reset and undo").skipped("no volume keeps a marker")
        return
    before = _catalogs(ground)
    topics = {marker: _topic(ground, marker, "reset", "is empty after reset", "gone") for marker in written}
    try:
        way = resetting.reset(ground)
        ground.runner.up(tuple(dict.fromkeys(marker.service.name for marker in written)))
    except DevstackError as error:
        yield Topic(check="data.reset", title="reset and undo", expected="reset ends well").error(error)
        return
    for marker, topic in topics.items():
        gone = markers.read(ground, marker) != marker.nonce
        yield topic.passed(f"the marker is gone ({way})") if gone else topic.failed("the marker is still there", evidence=[way])
    yield from _same_schema(ground, before)
    yield from _undone(ground, written)


def _catalogs(ground: Ground) -> dict[str, frozenset[str]]:
    try:
        return {place.of: facts(place) for place in places(ground) if not place.running}
    except DevstackError:
        return {}  # told by the schema check


def _same_schema(ground: Ground, before: dict[str, frozenset[str]]) -> Iterator[Result]:
    """After a reset the database has exactly the declared schema."""
    after = _catalogs(ground)
    for of, wanted in before.items():
        topic = Topic(
            check="data.reset",
            of=f"schema.{of}",
            title=f"{of.replace('.', '/')} has the declared schema after reset",
            service=of.partition(".")[0],
            expected=f"the same {counted(len(wanted), 'fact')} as on a fresh start",
        )
        now = after.get(of, frozenset())
        if now == wanted:
            yield topic.passed(f"{counted(len(now), 'fact')}, all equal")
        else:
            yield topic.failed("the catalog differs", evidence=difference(wanted, now), fix=["devstack up applies what is missing"])


def _undone(ground: Ground, written: list[Marker]) -> Iterator[Result]:
    assert ground.runner is not None
    topics = {marker: _topic(ground, marker, "undo", "is back after undo") for marker in written}
    try:
        resetting.undo(ground)
        ground.runner.up(tuple(dict.fromkeys(marker.service.name for marker in written)))
    except DevstackError as error:
        yield Topic(check="data.undo", title="undo", expected="the stack comes up again").error(error)
        return
    for marker, topic in topics.items():
        back = markers.read(ground, marker) == marker.nonce
        yield topic.passed("the marker is back") if back else topic.failed("the marker is not there", fix=["devstack undo"])
