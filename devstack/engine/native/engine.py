"""The `Engine` protocol over processes of this machine.

What was made lies in files; what runs is the supervisors' to know.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from devstack import __version__, labels
from devstack.compose.model import EMPTY, Network, Service, Stack, Strings, Volume
from devstack.engine import labelling
from devstack.engine.base import (
    Container,
    Endpoint,
    EngineInfo,
    Event,
    ExecResult,
    Helper,
    LogLine,
    NewContainer,
    Observed,
    ObservedImage,
    ObservedVolume,
    OnProgress,
    PathStat,
    Processes,
    Session,
)
from devstack.engine.native import files, processes
from devstack.engine.native.boxes import Boxes
from devstack.engine.native.images import Images
from devstack.engine.native.line import Line
from devstack.engine.native.making import Maker
from devstack.engine.native.numbers import Numbers
from devstack.engine.native.places import places
from devstack.engine.native.records import MARK, Box, Record
from devstack.engine.native.running import check_program, event_of, run
from devstack.engine.native.seen import adopted, inspected, shown
from devstack.engine.native.shelf import Shelf
from devstack.engine.native.sweeping import settle
from devstack.engine.native.talking import AttachedSession, ProgramSession
from devstack.engine.native.translate import View
from devstack.engine.native.ways import Ways
from devstack.errors import Conflict, EngineRefused, ImageUnavailable, NotFound


class NativeEngine:
    """`devstack.engine.base.Engine` without containers. `root` is the folder whose kinds are known beside devstack's own."""

    def __init__(
        self, environment: Mapping[str, str], *, source: str = "native", mismatch: bool = False, root: Path | None = None
    ) -> None:
        self.where = places(environment)
        self.info = EngineInfo(
            name="Native", version=__version__, api=(1, 51), endpoint=Endpoint(f"native://{self.where.home}", source),
            os=os.uname().sysname.lower(), arch=os.uname().machine, root_dir=str(self.where.home),
        )  # fmt: skip
        self.ways = Ways(self.where, root or Path.cwd(), mismatch=mismatch)
        self.images = Images(self.where, self.ways)
        self._numbers = Numbers(self.where)
        self._shelf = Shelf(self.where)
        self._maker = Maker(self.where, self._shelf, self._numbers, self.ways)
        self.line = Line(self.where)
        self._boxes = Boxes(self.where, self.line)
        self._making = threading.Lock()

    # Looking

    def observe(
        self, project: str, *, images: Iterable[str] = (), networks: Iterable[str] = (), volumes: Iterable[str] = ()
    ) -> Observed:
        asked_networks, asked_volumes = set(networks), set(volumes)
        found_images = {name: image for name in images if (image := self.image(name)) is not None}
        return Observed(
            project=project,
            containers=self.containers(project),
            networks={
                n.name: n for n in self._shelf.networks() if n.name in asked_networks or n.labels.get(labels.PROJECT) == project
            },
            volumes={
                v.name: v for v in self._shelf.volumes() if v.name in asked_volumes or v.labels.get(labels.PROJECT) == project
            },
            images=found_images,
        )

    def containers(self, project: str | None = None) -> tuple[Container, ...]:
        found = [(record, life) for _, record, life in self._boxes.all(project)]
        found.sort(key=lambda pair: -pair[0].created)
        return tuple(shown(record, life) for record, life in found)

    def inspect(self, container: str) -> Container:
        box, record = self._boxes.one(container)
        life = box.life()
        if life.running and not self.line.is_supervised(record.project):
            life = settle(box, record)
        return inspected(record, life)

    def image(self, reference: str) -> ObservedImage | None:
        return self.images.seen(reference)

    def pull(self, reference: str, *, platform: str = "", on_progress: OnProgress | None = None) -> ObservedImage:
        return self.images.pull(reference, on_progress)

    def push(self, reference: str, *, on_progress: OnProgress | None = None) -> None:
        raise ImageUnavailable(f"image {reference} cannot be pushed: the native engine has programs, not images")

    def build(
        self,
        stack: Stack,
        service: Service,
        *,
        on_progress: OnProgress | None = None,
        pull: bool = False,
        no_cache: bool = False,
    ) -> ObservedImage:
        return self.images.build(stack, service, on_progress, no_cache=no_cache)

    def history(self, image: str) -> tuple[str, ...]:
        return ()

    def replaced(self, project: str) -> tuple[str, ...]:
        return ()

    def remove_image(self, image: str) -> bool:
        return False

    # Networks and volumes

    def create_network(self, stack: Stack, network: Network, extra_labels: Strings = EMPTY) -> str:
        with self._making:
            return self._shelf.create_network(network.name, labelling.network_labels(stack, network, extra_labels))

    def remove_network(self, network: str) -> None:
        found = self._shelf.network(network)
        if found is None:
            return
        users = [record.name for _, record, life in self._boxes.all() if found.name in record.networks and life.running]
        if users:
            raise EngineRefused(f"network {found.name} has active endpoints ({', '.join(users)})", status=403)
        self._shelf.remove_network(found)
        project = found.labels.get(labels.PROJECT, "")
        if not any(item.labels.get(labels.PROJECT) == project for item in self._shelf.networks()):
            self._numbers.forget(project)

    def create_volume(self, stack: Stack, volume: Volume, extra_labels: Strings = EMPTY) -> str:
        self.make_volume(volume.name, labelling.volume_labels(stack, volume, extra_labels))
        return volume.name

    def make_volume(self, name: str, volume_labels: Strings) -> None:
        self._shelf.make_volume(name, volume_labels)

    def remove_volume(self, volume: str) -> None:
        users = [record.id for _, record, _ in self._boxes.all() if any(name == volume for _, _, name, _, _ in record.mounts)]
        if users:
            raise Conflict(f"remove {volume}: volume is in use - {users}", status=409)
        self._shelf.remove_volume(volume)

    def volumes(self, label: str, *, sizes: bool = False) -> tuple[ObservedVolume, ...]:
        key, equals, value = label.partition("=")
        found = [v for v in self._shelf.volumes() if key in v.labels and (not equals or v.labels[key] == value)]
        return tuple(replace(v, size=self._shelf.size(v.name)) for v in found) if sizes else tuple(found)

    # Containers

    def create(self, stack: Stack, new: NewContainer) -> str:
        made = self.images.made(stack, new.service)
        with self._making:
            there = self._boxes.named(new.name)
            if there is not None:
                return adopted(shown(*there), labelling.container_labels(stack, new))
            record = self._maker.make(stack, new, made)
        self._tell(record, "create")
        return record.id

    def start(self, container: str) -> None:
        _, record = self._boxes.one(container)
        self.line.ask(record.project, op="start", id=record.id)

    def stop(self, container: str, timeout: float | None = None) -> None:
        try:
            box, record = self._boxes.one(container)
        except NotFound:
            return
        if not self._boxes.is_live(box, record):
            return
        self.line.ask(record.project, op="stop", id=record.id, timeout=record.grace if timeout is None else timeout)

    def await_stops(self, project: str, on_wait: Callable[[str], None], *, cut_off: bool) -> None:
        if not self.line.is_supervised(project):
            return
        for container, name in self.line.ask(project, op="stopping")["names"].items():
            on_wait(name)
            with suppress(NotFound):
                self.line.ask(project, op="await", id=container)

    def was_stopped(self, container: Container) -> bool | None:
        box, _ = self._boxes.one(container.id)
        return box.life().asked

    def kill(self, container: str, signal: str = "KILL") -> None:
        box, record = self._boxes.one(container)
        if self._boxes.is_live(box, record):
            self.line.ask(record.project, op="kill", id=record.id, signal=signal)

    def pause(self, container: str) -> None:
        _, record = self._boxes.one(container)
        self.line.ask(record.project, op="pause", id=record.id)

    def unpause(self, container: str) -> None:
        _, record = self._boxes.one(container)
        self.line.ask(record.project, op="unpause", id=record.id)

    def rename(self, container: str, name: str) -> None:
        box, record = self._boxes.one(container)
        if any(other.name == name and other.id != record.id for _, other, _ in self._boxes.all()):
            raise Conflict(f'Conflict. The container name "/{name}" is already in use', status=409)
        box.write_record(replace(record, name=name))

    def remove(self, container: str, *, anonymous_volumes: bool = False) -> None:
        try:
            box, record = self._boxes.one(container)
        except NotFound:
            return
        self.stop(record.id)
        if self.line.is_supervised(record.project):
            self.line.ask(record.project, op="forget", id=record.id)
        self._tell(record, "destroy")
        shutil.rmtree(box.folder, ignore_errors=True)
        shutil.rmtree(self.where.sockets.with_name(f"{self.where.sockets.name}-{record.id[:10]}"), ignore_errors=True)
        for _, _, name, _, _ in record.mounts if anonymous_volumes else ():
            if name and self._shelf.is_anonymous(name):
                self.remove_volume(name)

    def _tell(self, record: Record, action: str) -> None:
        facts = {"container": record.id, "service": record.service, "name": record.name, "image": record.image}
        self.line.tell(record.project, {**facts, "action": action, "time": time.time()})

    # Inside

    def exec(
        self,
        container: str,
        command: Sequence[str],
        *,
        user: str = "",
        environment: Strings = EMPTY,
        workdir: str = "",
        stdin: bytes | None = None,
        privileged: bool = False,
    ) -> ExecResult:
        record = self._boxes.running(container)
        view = _view(record)
        env = _inside(record, view, environment)
        folder = str(view.path(workdir)) if workdir else record.folder
        return run(view.command(command), env, folder, record.user, stdin)

    def session(
        self,
        container: str,
        command: Sequence[str],
        *,
        tty: bool,
        user: str = "",
        environment: Strings = EMPTY,
        workdir: str = "",
    ) -> Session:
        record = self._boxes.running(container)
        view = _view(record)
        env = _inside(record, view, environment)
        words = view.command(command)
        check_program(words, env)
        folder = str(view.path(workdir)) if workdir else record.folder
        return ProgramSession(words, env, folder, record.user, tty=tty)

    def attach(self, container: str, *, tty: bool, stdin: bool) -> Session:
        _, record = self._boxes.one(container)
        connection, _ = self.line.open(record.project, op="attach", id=record.id)
        return AttachedSession(connection, tty=tty)

    def wait(self, container: str) -> int:
        box, record = self._boxes.one(container)
        with self.line.stream(record.project, op="subscribe") as heard:
            life = box.life()
            if life.state not in ("created", "running", "paused", "restarting"):
                return life.exit_code
            for event in heard:
                if event.get("container") == record.id and event["action"] in ("die", "destroy"):
                    return int(event.get("exit_code", 137))
        return self.inspect(record.id).exit_code or 0

    def top(self, container: str) -> Processes:
        record = self._boxes.running(container)
        life = Box(self.where.boxes / record.id).life()
        mark = f"{MARK}={record.id}".encode()
        rows = [(str(pid), processes.command_line(pid)) for pid in processes.members(life.pid, mark)]
        return Processes(("PID", "CMD"), tuple(row for row in rows if row[1]))

    def stat(self, container: str, path: str) -> PathStat | None:
        return files.stat(_view(self._boxes.one(container)[1]).path(path), path)

    def read_archive(self, container: str, path: str) -> Iterator[bytes]:
        return files.packed(_view(self._boxes.one(container)[1]).path(path), path)

    def write_archive(self, container: str, folder: str, data: Iterable[bytes], *, owners: bool = False) -> None:
        files.unpack(_view(self._boxes.one(container)[1]).path(folder), folder, data)

    def logs(
        self,
        container: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: float | None = None,
        until: float | None = None,
        timestamps: bool = False,
    ) -> Iterator[LogLine]:
        box, record = self._boxes.one(container)
        if not follow or not self._boxes.is_live(box, record):
            return files.log_lines(box, tail=tail, since=since, until=until, timestamps=timestamps)
        stream = self.line.stream(record.project, op="follow", id=record.id)
        return files.followed(box, stream, tail=tail, since=since, until=until, timestamps=timestamps)

    @contextmanager
    def watch(self, project: str) -> Iterator[Iterator[Event]]:
        with self.line.stream(project, op="subscribe") as heard:
            yield (event_of(found) for found in heard)

    # Helpers and copies

    def helper(self, helper: Helper) -> ExecResult:
        """Runs as whoever runs devstack: there is no other place for it to run in."""
        mounts = tuple((target, str(self._shelf.folder(name))) for name, (target, _) in helper.mounts.items())
        view = View(self.where.home / "none", mounts)
        env = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **helper.environment}
        words = view.command(helper.command)
        check_program(words, env)
        return run(words, env, "/", "", None)

    def copy_volume(self, source: str, target: str, *, image: str) -> None:
        files.copy_tree(self._shelf.folder(source), self._shelf.folder(target))

    def close(self) -> None:
        return


def _inside(record: Record, view: View, environment: Strings) -> dict[str, str]:
    """The environment of a program that is run beside a container's own."""
    given = {key: value for key, value in view.values(environment).items() if value or key not in record.fixed}
    return {**record.environment, **given, MARK: record.id}


def _view(record: Record) -> View:
    mounts = tuple((target, folder) for _, target, _, folder, _ in record.mounts)
    others = {(name, target): port for name, target, port in record.others}
    ports = {target: port for target, _, _, port in record.ports}
    return View(Path(record.root), mounts, ports, others, copied=record.copied)
