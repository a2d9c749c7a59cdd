"""Snapshots, reset, restore and undo: on the real engine and in memory, and killed at every call."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devstack import labels
from devstack.compose.model import Stack
from devstack.database import snapshot as snapshots
from devstack.database import undo
from devstack.database.pending import pending
from devstack.database.snapshot import PROJECT, Snapshot
from devstack.engine.base import Engine, Helper
from devstack.errors import DevstackError, UsageError
from tests.conftest import sweep
from tests.fakes.memory_engine import MemoryEngine
from tests.stacks import stack

IMAGE = "busybox:1.37"


@pytest.fixture(params=["memory", "real"])
def store(request: pytest.FixtureRequest) -> Engine:
    return in_memory() if request.param == "memory" else request.getfixturevalue("engine")


@pytest.fixture
def shop(store: Engine) -> Iterator[Stack]:
    yield from filled(store)


def filled(store: Engine) -> Iterator[Stack]:
    """A stack with two volumes that hold something; nothing of it stays."""
    made = stack(name=f"t-{secrets.token_hex(4)}", volumes=("db", "cache"))
    for volume in made.volumes.values():
        store.create_volume(made, volume)
    write(store, made, "db", "first")
    write(store, made, "cache", "warm")
    yield made
    for volume in (*store.volumes(f"{PROJECT}={made.name}"), *store.volumes(f"{labels.PROJECT}={made.name}")):
        snapshots.discard(store, volume.name)
    sweep(store, made.name)


def in_memory() -> MemoryEngine:
    engine = MemoryEngine()
    engine.add_image(IMAGE)
    return engine


def write(engine: Engine, on: Stack, key: str, text: str) -> None:
    volume = on.volumes[key].name
    done = engine.helper(
        Helper(
            purpose=f"write {volume}",
            image=IMAGE,
            command=("sh", "-c", f"echo {text} > /data/note"),
            mounts={volume: ("/data", False)},
        )
    )
    assert done.exit_code == 0, done


def read(engine: Engine, on: Stack, key: str) -> str | None:
    """What the volume holds: its note, "" when it is empty, None when it is not there."""
    volume = on.volumes[key].name
    if volume not in engine.observe(on.name, volumes=[volume]).volumes:
        return None
    done = engine.helper(
        Helper(purpose=f"read {volume}", image=IMAGE, command=("cat", "/data/note"), mounts={volume: ("/data", True)})
    )
    return done.text.strip() if done.exit_code == 0 else ""


def images(on: Stack) -> dict[str, str]:
    return {volume.name: IMAGE for volume in on.volumes.values()}


def names(engine: Engine, on: Stack) -> list[str]:
    return [snapshot.name for snapshot in snapshots.list_snapshots(engine, on.name)]


def reset(engine: Engine, on: Stack) -> Snapshot:
    return undo.reset(engine, on, list(on.volumes.values()), images=images(on))


def test_reset_empties_and_undo_brings_back(store: Engine, shop: Stack) -> None:
    saved = reset(store, shop)
    assert (read(store, shop, "db"), read(store, shop, "cache")) == (None, None)
    assert saved.name == "before-reset-1"
    back, kept = undo.undo(store, shop, images=images(shop))
    assert (back.name, kept.name) == ("before-reset-1", "before-undo-2")
    assert (read(store, shop, "db"), read(store, shop, "cache")) == ("first", "warm")


def test_a_restored_volume_is_the_stacks_own_again(store: Engine, shop: Stack) -> None:
    reset(store, shop)
    undo.undo(store, shop, images=images(shop))
    volume = store.observe(shop.name).volumes[shop.volumes["db"].name]
    assert (volume.labels[labels.PROJECT], volume.labels[labels.VOLUME]) == (shop.name, "db")


def test_undo_keeps_what_was_made_after_the_reset_and_a_second_undo_returns_to_it(store: Engine, shop: Stack) -> None:
    reset(store, shop)
    store.create_volume(shop, shop.volumes["db"])
    write(store, shop, "db", "second")
    undo.undo(store, shop, images=images(shop))
    assert read(store, shop, "db") == "first"
    undo.undo(store, shop, images=images(shop))
    assert (read(store, shop, "db"), read(store, shop, "cache")) == ("second", None)
    undo.undo(store, shop, images=images(shop))
    assert (read(store, shop, "db"), read(store, shop, "cache")) == ("first", "warm")


def test_a_named_snapshot_is_restored_whenever(store: Engine, shop: Stack) -> None:
    made = snapshots.take(
        store, shop, [shop.volumes["db"]], name="good-one", reason="manual", images=images(shop), sizes={shop.volumes["db"].name: 7}
    )
    assert snapshots.list_snapshots(store, shop.name) == (made,)
    assert (made.size, made.automatic) == (7, False)
    write(store, shop, "db", "spoilt")
    write(store, shop, "cache", "hot")
    undo.restore(store, shop, snapshots.find(store, shop.name, "good-one"), images=images(shop))
    assert (read(store, shop, "db"), read(store, shop, "cache")) == ("first", "hot")


def test_snapshots_are_invisible_to_compose(store: Engine, shop: Stack) -> None:
    reset(store, shop)
    ours = store.volumes(f"{PROJECT}={shop.name}")
    assert len(ours) == 3
    assert not [volume for volume in ours if any(label.startswith("com.docker.compose.") for label in volume.labels)]
    assert store.volumes(f"{labels.PROJECT}={shop.name}") == ()


def test_only_the_last_automatic_snapshots_are_kept(store: Engine, shop: Stack) -> None:
    snapshots.take(store, shop, [shop.volumes["db"]], name="mine", reason="manual", images=images(shop))
    for _ in range(snapshots.KEPT + 1):
        reset(store, shop)
        store.create_volume(shop, shop.volumes["db"])
    assert names(store, shop) == ["mine", "before-reset-3", "before-reset-4", "before-reset-5"]
    copies = [volume.name for volume in store.volumes(f"{PROJECT}={shop.name}") if labels.SNAPSHOT_OF in volume.labels]
    assert len(copies) == 4


def test_a_snapshot_with_others_inside_its_volume_is_never_pruned(store: Engine, shop: Stack) -> None:
    undo.reset(store, shop, list(shop.volumes.values()), images=images(shop), holds=("good",))
    for _ in range(snapshots.KEPT + 1):
        store.create_volume(shop, shop.volumes["db"])
        reset(store, shop)
    assert names(store, shop)[0] == "before-reset-1" and len(names(store, shop)) == snapshots.KEPT + 1


def test_what_lives_inside_a_server_is_remembered_beside_it(store: Engine, shop: Stack) -> None:
    snapshots.note_inside(store, shop, "db", there=False)
    assert not snapshots.inside(store, shop.name, "db")
    for _ in range(2):
        snapshots.note_inside(store, shop, "db", there=True)
    assert snapshots.inside(store, shop.name, "db")
    assert not snapshots.inside(store, shop.name, "other") and not snapshots.inside(store, f"{shop.name}x", "db")
    assert names(store, shop) == []
    snapshots.note_inside(store, shop, "db", there=False)
    assert not snapshots.inside(store, shop.name, "db")


def test_a_snapshot_of_an_older_devstack_is_read(store: Engine, shop: Stack) -> None:
    made = snapshots.take(store, shop, [shop.volumes["db"]], name="x", reason="manual", images=images(shop))
    body = json.loads(snapshots.encode(made))
    for part in body["parts"]:
        del part["flushed"]
    for key in ("databases", "flushed", "holds"):
        del body[key]
    assert snapshots.decode(json.dumps(body)) == made


def test_a_reset_that_is_given_up_keeps_what_it_saved(store: Engine, shop: Stack) -> None:
    die(store, 6, "before", lambda engine: reset(engine, shop))
    assert pending(store, shop.name) is not None
    undo.abandon(store, shop)
    assert pending(store, shop.name) is None
    undo.undo(store, shop, images=images(shop))
    assert state(store, shop) == ("first", "warm")


def test_removing_a_snapshot_leaves_nothing_of_it(store: Engine, shop: Stack) -> None:
    made = snapshots.take(store, shop, list(shop.volumes.values()), name="x", reason="manual", images=images(shop))
    snapshots.remove(store, made)
    assert store.volumes(f"{PROJECT}={shop.name}") == ()


def test_sizes_are_measured_when_asked(store: Engine, shop: Stack) -> None:
    snapshots.take(store, shop, list(shop.volumes.values()), name="x", reason="manual", images=images(shop))
    assert snapshots.list_snapshots(store, shop.name)[0].size is None
    size = snapshots.list_snapshots(store, shop.name, sizes=True)[0].size
    assert size is not None and size > 0


def test_nothing_to_undo_is_said(store: Engine, shop: Stack) -> None:
    snapshots.take(store, shop, [shop.volumes["db"]], name="mine", reason="manual", images=images(shop))
    with pytest.raises(UsageError) as caught:
        undo.undo(store, shop, images=images(shop))
    assert caught.value.code == "nothing-to-undo"


@pytest.mark.parametrize("name", ["a_b", "A", "../x", "-x", "ö"])
def test_a_bad_name_is_refused(name: str) -> None:
    shop = stack(name="shop", volumes=("db",))
    with pytest.raises(UsageError):
        snapshots.take(in_memory(), shop, list(shop.volumes.values()), name=name, reason="manual", images=images(shop))


def test_a_name_is_used_once(store: Engine, shop: Stack) -> None:
    snapshots.take(store, shop, [shop.volumes["db"]], name="x", reason="manual", images=images(shop))
    with pytest.raises(UsageError, match="already"):
        snapshots.take(store, shop, [shop.volumes["db"]], name="x", reason="manual", images=images(shop))
    with pytest.raises(UsageError, match="no snapshot y"):
        snapshots.find(store, shop.name, "y")


def test_another_projects_snapshots_are_neither_listed_nor_swept(store: Engine, shop: Stack) -> None:
    other = stack(name=shop.name + "x", volumes=("db",))
    store.create_volume(other, other.volumes["db"])
    try:
        theirs = snapshots.draft(store, other, list(other.volumes.values()), reason="reset", images=images(other))
        reset(store, shop)
        assert names(store, shop) == ["before-reset-1"]
        snapshots.complete(store, other, theirs)
        assert names(store, other) == ["before-reset-1"]
        assert names(store, shop) == ["before-reset-1"]
    finally:
        sweep(store, other.name)
        for volume in store.volumes(f"{PROJECT}={other.name}"):
            store.remove_volume(volume.name)


class Killed(BaseException):
    """The process is gone; only the engine goes on."""


class Dying:
    """An engine whose caller is killed at its n-th changing call: before it, in the middle of a copy, or after it."""

    def __init__(self, engine: Engine, at: int, when: str) -> None:
        self.engine = engine
        self.left = at
        self.when = when

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.engine, name)
        if name not in ("make_volume", "create_volume", "remove_volume", "copy_volume"):
            return real

        def call(*arguments: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left:
                return real(*arguments, **more)
            if self.when == "after":
                real(*arguments, **more)
            elif self.when == "amid" and name == "copy_volume":
                half(self.engine, arguments[1])
            raise Killed

        return call


def half(engine: Engine, volume: str) -> None:
    """Leave a volume as a copy that was cut off would."""
    engine.helper(
        Helper(purpose="cut off", image=IMAGE, command=("sh", "-c", "echo torn > /data/note"), mounts={volume: ("/data", False)})
    )


def changing_calls(store: Engine, act: Callable[[Engine], object]) -> int:
    counting = Dying(store, 10**6, "before")
    act(counting)  # type: ignore[arg-type]
    return 10**6 - counting.left


def die(store: Engine, at: int, when: str, act: Callable[[Engine], object]) -> None:
    with pytest.raises(Killed):
        act(Dying(store, at, when))  # type: ignore[arg-type]


def fresh() -> tuple[MemoryEngine, Stack]:
    engine = in_memory()
    shop = stack(name="shop", volumes=("db", "cache"))
    for volume in shop.volumes.values():
        engine.create_volume(shop, volume)
    write(engine, shop, "db", "first")
    write(engine, shop, "cache", "warm")
    return engine, shop


def state(engine: Engine, on: Stack) -> tuple[str | None, str | None]:
    return read(engine, on, "db"), read(engine, on, "cache")


@pytest.mark.parametrize("when", ["before", "amid", "after"])
def test_a_reset_killed_at_any_call_is_whole_after_the_next_command(when: str) -> None:
    engine, shop = fresh()
    calls = changing_calls(engine, lambda e: reset(e, shop))
    assert calls >= 7
    for at in range(1, calls + 1):
        engine, shop = fresh()
        die(engine, at, when, lambda e, on=shop: reset(e, on))  # type: ignore[misc]
        finished = undo.finish(engine, shop)
        after = state(engine, shop)
        assert after in (("first", "warm"), (None, None)), (at, after)
        assert finished is None or after == (None, None)
        assert pending(engine, shop.name) is None
        if after == (None, None):
            undo.undo(engine, shop, images=images(shop))
            assert state(engine, shop) == ("first", "warm")
        else:
            assert undo.undoable(engine, shop.name) is None, "a reset that did not happen cannot be undone"


@pytest.mark.parametrize("when", ["before", "amid", "after"])
def test_an_undo_killed_at_any_call_is_whole_after_the_next_command(when: str) -> None:
    def ready() -> tuple[MemoryEngine, Stack]:
        engine, shop = fresh()
        reset(engine, shop)
        engine.create_volume(shop, shop.volumes["db"])
        write(engine, shop, "db", "second")
        return engine, shop

    engine, shop = ready()
    calls = changing_calls(engine, lambda e: undo.undo(e, shop, images=images(shop)))
    for at in range(1, calls + 1):
        engine, shop = ready()
        die(engine, at, when, lambda e, on=shop: undo.undo(e, on, images=images(on)))  # type: ignore[misc]
        undo.finish(engine, shop)
        if state(engine, shop) == ("second", None):
            undo.undo(engine, shop, images=images(shop))
        assert state(engine, shop) == ("first", "warm"), at
        undo.undo(engine, shop, images=images(shop))
        assert state(engine, shop) == ("second", None), "what was there before the undo is kept"


@pytest.mark.parametrize("when", ["before", "amid", "after"])
def test_a_kill_while_finishing_is_finished_too(when: str) -> None:
    for at in range(1, 8):
        engine, shop = fresh()
        reset(engine, shop)
        saved = undo.undoable(engine, shop.name)
        assert saved is not None
        die(engine, 4, "after", lambda e, on=shop: undo.undo(e, on, images=images(on)))  # type: ignore[misc]
        try:
            undo.finish(Dying(engine, at, when), shop)  # type: ignore[arg-type]
        except Killed:
            undo.finish(engine, shop)
        assert state(engine, shop) == ("first", "warm")
        assert pending(engine, shop.name) is None


def test_an_incomplete_snapshot_is_never_listed_and_swept_by_the_next(store: Engine, shop: Stack) -> None:
    def act(engine: Engine) -> Snapshot:
        return snapshots.take(engine, shop, list(shop.volumes.values()), name="x", reason="manual", images=images(shop))

    die(store, 4, "amid", act)
    assert names(store, shop) == []
    assert len(store.volumes(f"{PROJECT}={shop.name}")) == 2
    act(store)
    assert names(store, shop) == ["x"]
    assert len(store.volumes(f"{PROJECT}={shop.name}")) == 3


def test_nothing_is_taken_while_something_half_done_may_need_its_copies(store: Engine, shop: Stack) -> None:
    die(store, 6, "before", lambda engine: reset(engine, shop))
    assert pending(store, shop.name) is not None
    with pytest.raises(DevstackError) as caught:
        snapshots.take(store, shop, list(shop.volumes.values()), name="x", reason="manual", images=images(shop))
    assert caught.value.code == "pending"
    undo.finish(store, shop)
    undo.undo(store, shop, images=images(shop))
    assert state(store, shop) == ("first", "warm")


def test_a_volume_made_after_a_killed_reset_is_not_removed_by_finishing_it() -> None:
    engine, shop = fresh()
    die(engine, 7, "after", lambda e: reset(e, shop))
    assert state(engine, shop)[0] is None
    engine.create_volume(shop, shop.volumes["db"])
    write(engine, shop, "db", "new")
    undo.finish(engine, shop)
    assert state(engine, shop) == ("new", None)


@pytest.fixture
def real_shop(engine: Engine) -> Iterator[Stack]:
    yield from filled(engine)


def test_a_helper_left_by_a_killed_copy_does_not_stand_in_the_way(engine: Engine, real_shop: Stack) -> None:
    import docker

    client = docker.from_env()
    volume = real_shop.volumes["db"].name
    # Its image has a volume of its own, as Redis' and PostgreSQL's have.
    mounts = {volume: {"bind": "/from", "mode": "ro"}}
    left = client.containers.run("redis:7", ["sleep", "60"], detach=True, labels={labels.HELPER: "copy"}, volumes=mounts)
    nameless = [mount["Name"] for mount in left.attrs["Mounts"] if mount["Destination"] == "/data"]
    try:
        reset(engine, real_shop)
        assert read(engine, real_shop, "db") is None
        assert len(nameless) == 1 and nameless[0] not in {found.name for found in client.volumes.list()}
    finally:
        for found in client.containers.list(all=True, filters={"id": left.id}):
            found.remove(force=True)
        client.close()


def test_owners_modes_and_links_survive_a_round_trip(engine: Engine, real_shop: Stack) -> None:
    volume = real_shop.volumes["db"].name

    def run(script: str) -> str:
        return engine.helper(Helper(purpose="look", image=IMAGE, command=("sh", "-c", script), mounts={volume: ("/d", False)})).text

    run(
        "mkdir /d/sub; echo x > /d/sub/f; ln -s sub/f /d/l; chown -R 999:998 /d; chmod 700 /d; chmod 600 /d/sub/f;"
        " touch -d @1000000000 /d/sub/f"
    )
    look = "cd /d; stat -c '%n %u %g %a' . sub; stat -c '%n %u %g %a %Y' sub/f; readlink l; cat l"
    before = run(look)
    assert before.splitlines()[0] == ". 999 998 700"
    reset(engine, real_shop)
    undo.undo(engine, real_shop, images=images(real_shop))
    assert run(look) == before


_ACT = """
import os, sys
from devstack.database import undo
from devstack.database.pending import pending
from devstack.engine.docker import connect
from devstack.engine.endpoint import resolve
from tests.stacks import stack
name, what = sys.argv[1:]
engine = connect(resolve(None, os.environ))
shop = stack(name=name, volumes=("db", "cache"))
images = {volume.name: "busybox:1.37" for volume in shop.volumes.values()}
print("go", flush=True)
if what == "reset":
    undo.reset(engine, shop, list(shop.volumes.values()), images=images)
else:
    undo.undo(engine, shop, images=images)
"""


def kill_after(seconds: float, name: str, what: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", _ACT, name, what], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    process.wait()
    process.stdout.close()


def test_kill_9_at_any_moment_of_reset_and_undo_loses_nothing(engine: Engine, real_shop: Stack) -> None:
    for moment in (0.05, 0.2, 0.4, 0.6, 0.8):
        kill_after(moment, real_shop.name, "reset")
        undo.finish(engine, real_shop)
        after = state(engine, real_shop)
        assert after in (("first", "warm"), (None, None))
        if after == (None, None):
            kill_after(moment, real_shop.name, "undo")
            undo.finish(engine, real_shop)
            if state(engine, real_shop) == (None, None):
                undo.undo(engine, real_shop, images=images(real_shop))
        assert state(engine, real_shop) == ("first", "warm")
