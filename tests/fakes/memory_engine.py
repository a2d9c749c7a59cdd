"""An engine in memory, for tests of what decides and what carries out. It passes the same contract tests as the real one.

Its containers run the few programs of `memory_programs` in threads. Tests can say how a service behaves (`behave`), make calls fail
(`fail`), and look at every call that was made (`calls`).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from devstack import labels
from devstack.compose.model import EMPTY, Healthcheck, Network, Service, Stack, Strings, Volume
from devstack.engine import labelling
from devstack.engine.base import (
    Binding,
    Container,
    Endpoint,
    EngineInfo,
    Event,
    ExecResult,
    Health,
    Helper,
    LogLine,
    NewContainer,
    Observed,
    ObservedImage,
    ObservedMount,
    ObservedNetwork,
    ObservedVolume,
    OnProgress,
    PathStat,
    Processes,
    Progress,
    State,
)
from devstack.engine.create.mounts import copied_files
from devstack.engine.create.networks import ordered
from devstack.engine.tars import plain_tar
from devstack.errors import Conflict, DevstackError, EngineRefused, ImageUnavailable, NotFound
from tests.fakes import memory_programs as programs
from tests.fakes.memory_boxes import Behaviour, Box, MemoryAttached, MemorySession, Store, inspected, listed
from tests.fakes.memory_files import packed, stat, unpack
from tests.fakes.memory_life import Life


class MemoryEngine:
    """`devstack.engine.base.Engine` without an engine."""

    def __init__(self, *, images: Iterable[str] = (), api: tuple[int, int] = (1, 51)) -> None:
        self.info = EngineInfo(name="Memory", version="0", api=api, endpoint=Endpoint("memory://", "a test"))
        self.calls: list[tuple[str, str]] = []
        self.taken_ports: set[int] = set()
        self.pullable: set[str] = set()
        self._boxes: dict[str, Box] = {}
        self._networks: dict[str, ObservedNetwork] = {}
        self._volumes: dict[str, Store] = {}
        self._images: dict[str, ObservedImage] = {}
        self._replaced: list[ObservedImage] = []
        self._behaviours: dict[str, Behaviour] = {}
        self._failures: dict[tuple[str, str], list[tuple[DevstackError, bool]]] = {}
        self._watchers: list[tuple[str, queue.SimpleQueue[Event | None]]] = []
        self._lock = threading.RLock()
        self._last_id = 0
        self._life = Life(self._lock, self._volumes, self._tell)
        for reference in images:
            self.add_image(reference)

    # What tests say to it

    def add_image(self, reference: str, **fields: object) -> ObservedImage:
        found = ObservedImage(reference=reference, id=f"sha256:{self._next_id()}", **fields)  # type: ignore[arg-type]
        self._images[reference] = found
        return found

    def behave(self, service: str, *, health: Sequence[bool] = (), exit: tuple[float, int] | None = None) -> None:
        """How containers of a service made from now on behave."""
        self._behaviours[service] = Behaviour(tuple(health), exit)

    def fail(self, method: str, error: DevstackError, *, subject: str = "", after: bool = False) -> None:
        """The next call of a method (on a subject, if given) raises; `after`: the work is done, the reply is lost."""
        self._failures.setdefault((method, subject), []).append((error, after))

    def lose_events(self) -> None:
        """Every event stream breaks and is taken up again."""
        for _, events in self._watchers:
            events.put(Event(action="lost", time=time.time(), lost=True))

    @contextmanager
    def _call(self, method: str, subject: str) -> Iterator[None]:
        self.calls.append((method, subject))
        for key in ((method, subject), (method, "")):
            if self._failures.get(key):
                error, after = self._failures[key].pop(0)
                if after:
                    yield
                raise error
        yield

    # Looking

    def observe(
        self, project: str, *, images: Iterable[str] = (), networks: Iterable[str] = (), volumes: Iterable[str] = ()
    ) -> Observed:
        with self._call("observe", project), self._lock:
            asked_networks, asked_volumes = set(networks), set(volumes)
            stores = {name: store.seen for name, store in self._volumes.items()}
            return Observed(
                project=project,
                containers=self._listed(project),
                networks={n: x for n, x in self._networks.items() if n in asked_networks or _owned(x.labels, project)},
                volumes={n: x for n, x in stores.items() if n in asked_volumes or _owned(x.labels, project)},
                images={name: self._images[name] for name in images if name in self._images},
            )

    def containers(self, project: str | None = None) -> tuple[Container, ...]:
        with self._call("containers", project or ""), self._lock:
            return self._listed(project)

    def _listed(self, project: str | None) -> tuple[Container, ...]:
        boxes = sorted(self._boxes.values(), key=lambda box: -box.container.created)
        return tuple(listed(box) for box in boxes if project is None or box.container.project == project)

    def inspect(self, container: str) -> Container:
        with self._call("inspect", container), self._lock:
            return inspected(self._box(container))

    def _box(self, container: str) -> Box:
        found = self._boxes.get(container) or next((b for b in self._boxes.values() if b.container.name == container), None)
        if found is None:
            raise NotFound(f"No such container: {container}", status=404)
        return found

    def image(self, reference: str) -> ObservedImage | None:
        with self._call("image", reference):
            return self._images.get(reference)

    def pull(self, reference: str, *, platform: str = "", on_progress: OnProgress | None = None) -> ObservedImage:
        with self._call("pull", reference):
            if reference not in self.pullable:
                raise ImageUnavailable(f"image {reference} is not here and cannot be pulled")
            if on_progress is not None:
                on_progress(Progress("Downloading", 1, 1))
            return self.add_image(reference)

    def push(self, reference: str, *, on_progress: OnProgress | None = None) -> None:
        with self._call("push", reference):
            if reference not in self.pullable or reference not in self._images:
                raise ImageUnavailable(f"image {reference} cannot be pushed")

    def build(
        self,
        stack: Stack,
        service: Service,
        *,
        on_progress: OnProgress | None = None,
        pull: bool = False,
        no_cache: bool = False,
    ) -> ObservedImage:
        with self._call("build", service.name), self._lock:
            before = self._images.get(stack.image_of(service))
            if before is not None and before.labels:
                self._replaced.append(before)
            return self.add_image(stack.image_of(service), labels=labelling.image_labels(stack, service, "memory"))

    def history(self, image: str) -> tuple[str, ...]:
        return ()

    def replaced(self, project: str) -> tuple[str, ...]:
        with self._call("replaced", project), self._lock:
            used = {box.container.image_id for box in self._boxes.values()}
            mine = [image.id for image in self._replaced if image.labels.get(labels.PROJECT) == project]
            return tuple(image for image in mine if image not in used)

    def remove_image(self, image: str) -> bool:
        with self._call("remove_image", image), self._lock:
            used = any(box.container.image_id == image for box in self._boxes.values())
            gone = [] if used else [found for found in self._replaced if found.id == image]
            self._replaced = [found for found in self._replaced if found not in gone]
            return bool(gone)

    # Networks and volumes

    def create_network(self, stack: Stack, network: Network, extra_labels: Strings = EMPTY) -> str:
        with self._call("create_network", network.name), self._lock:
            found = labelling.network_labels(stack, network, extra_labels)
            there = self._networks.get(network.name)
            if there is not None and there.labels != found:
                raise Conflict(f"network with name {network.name} already exists", status=409)
            made = there or ObservedNetwork(id=self._next_id(), name=network.name, driver="bridge", labels=found)
            self._networks[network.name] = made
            return made.id

    def remove_network(self, network: str) -> None:
        with self._call("remove_network", network), self._lock:
            if any(network in box.networks and box.container.running for box in self._boxes.values()):
                raise EngineRefused(f"network {network} has active endpoints", status=403)
            self._networks.pop(network, None)

    def create_volume(self, stack: Stack, volume: Volume, extra_labels: Strings = EMPTY) -> str:
        with self._call("create_volume", volume.name):
            self._store(volume.name, labelling.volume_labels(stack, volume, extra_labels))
            return volume.name

    def make_volume(self, name: str, volume_labels: Strings) -> None:
        with self._call("make_volume", name):
            self._store(name, volume_labels)

    def _store(self, name: str, found: Strings, *, anonymous: bool = False) -> Store:
        with self._lock:
            seen = ObservedVolume(name=name, driver="local", labels=dict(found), created=time.time())
            return self._volumes.setdefault(name, Store(seen, anonymous=anonymous))

    def remove_volume(self, volume: str) -> None:
        with self._call("remove_volume", volume), self._lock:
            users = [b.container.id for b in self._boxes.values() if any(m.name == volume for m in b.container.mounts)]
            if users:
                raise Conflict(f"remove {volume}: volume is in use - {users}", status=409)
            self._volumes.pop(volume, None)

    def volumes(self, label: str, *, sizes: bool = False) -> tuple[ObservedVolume, ...]:
        with self._call("volumes", label), self._lock:
            key, equals, value = label.partition("=")
            return tuple(
                replace(store.seen, size=sum(map(len, store.files.values())) if sizes else None)
                for _, store in sorted(self._volumes.items())
                if key in store.seen.labels and (not equals or store.seen.labels[key] == value)
            )

    # Containers

    def create(self, stack: Stack, new: NewContainer) -> str:
        with self._call("create", new.name), self._lock:
            if new.image not in self._images:
                raise NotFound(f"No such image: {new.image}", status=404)
            found = labelling.container_labels(stack, new)
            there = next((b.container for b in self._boxes.values() if b.container.name == new.name), None)
            if there is not None:
                return _adopted(there, found)
            service = new.service
            container = Container(
                id=self._next_id(),
                name=new.name,
                image=new.image,
                image_id=self._images[new.image].id,
                state=State.CREATED,
                created=time.time(),
                labels=found,
                mounts=tuple(self._mounts(stack, new)),
            )
            image = self._images[new.image]
            box = Box(
                container,
                tuple(new.command or (*(service.entrypoint or image.entrypoint), *(service.command or image.command))),
                networks=tuple(stack.networks[place.network].name for place in ordered(stack, service)),
                check=service.healthcheck or (Healthcheck(image.healthcheck) if image.healthcheck else None),
                ports=tuple(self._bindings(service)) if new.publish else (),
                restart="no" if new.one_off else service.restart or "no",
                behaviour=self._behaviours.get(service.name),
                environment={key: value or "" for key, value in service.environment.items()},
                files={file.target: file.content for file in copied_files(stack, service)},
            )
            self._boxes[container.id] = box
            self._tell(box, "create")
            return container.id

    def _mounts(self, stack: Stack, new: NewContainer) -> Iterator[ObservedMount]:
        for mount in new.service.mounts:
            if mount.type != "volume":
                yield ObservedMount(mount.type, mount.target, source=mount.source, read_only=mount.read_only)
                continue
            known = stack.volumes.get(mount.source)
            name = known.name if known else mount.source or new.inherit.get(mount.target) or self._next_id()
            self._store(name, EMPTY, anonymous=not mount.source)
            yield ObservedMount("volume", mount.target, name=name, read_only=mount.read_only)

    def _bindings(self, service: Service) -> Iterator[Binding]:
        for port in service.ports:
            published = int(port.published.split("-")[0] or 0) or 40000 + int(self._next_id(), 16)
            yield Binding(port.target, port.protocol, port.host_ip or "0.0.0.0", published)

    def start(self, container: str) -> None:
        with self._call("start", container), self._lock:
            box = self._box(container)
            if box.container.state in (State.RUNNING, State.PAUSED):
                return
            self._check_start(box)
            box.stopped, box.ended = threading.Event(), threading.Event()
            box.started_at, box.probes = time.time(), []
            health = Health.STARTING if box.probed else Health.NONE
            box.container = replace(box.container, state=State.RUNNING, health=health)
            self._tell(box, "start")
            self._life.begin(box)

    def _check_start(self, box: Box) -> None:
        if box.behaviour is None and box.command and box.command[0].rsplit("/", 1)[-1] not in programs.KNOWN:
            box.code = 127
            raise EngineRefused(f'exec: "{box.command[0]}": executable file not found in $PATH', status=400)
        busy = {b.published for other in self._boxes.values() if other is not box and other.container.running for b in other.ports}
        for binding in box.ports:
            if binding.published in self.taken_ports:
                words = f"failed to bind host port for {binding.host_ip}:{binding.published}: address already in use"
                raise EngineRefused(words, status=500)
            if binding.published in busy:
                raise EngineRefused(f"Bind for {binding.host_ip}:{binding.published} failed: port is already allocated", status=500)

    def stop(self, container: str, timeout: float | None = None) -> None:
        with self._call("stop", container):
            try:
                box = self._box(container)
            except NotFound:
                return
            self._end(box)

    def await_stops(self, project: str, on_wait: Callable[[str], None], *, cut_off: bool) -> None:
        """Nothing here takes time to stop."""

    def was_stopped(self, container: Container) -> bool | None:
        return self._box(container.id).code == 137

    def _end(self, box: Box) -> None:
        if box.container.state in (State.RUNNING, State.PAUSED):
            box.stopped.set()
            box.ended.wait(5)
            self._tell(box, "stop")

    def kill(self, container: str, signal: str = "KILL") -> None:
        with self._call("kill", container):
            self._end(self._box(container))

    def pause(self, container: str) -> None:
        with self._call("pause", container), self._lock:
            box = self._box(container)
            box.container = replace(box.container, state=State.PAUSED)
            self._tell(box, "pause")

    def unpause(self, container: str) -> None:
        with self._call("unpause", container), self._lock:
            box = self._box(container)
            box.container = replace(box.container, state=State.RUNNING)
            self._tell(box, "unpause")

    def rename(self, container: str, name: str) -> None:
        with self._call("rename", container), self._lock:
            box = self._box(container)
            if any(other.container.name == name for other in self._boxes.values() if other is not box):
                raise Conflict(f'Conflict. The container name "/{name}" is already in use', status=409)
            box.container = replace(box.container, name=name)

    def remove(self, container: str, *, anonymous_volumes: bool = False) -> None:
        with self._call("remove", container):
            try:
                box = self._box(container)
            except NotFound:
                return
            self._end(box)
            with self._lock:
                self._boxes.pop(box.container.id, None)
                self._tell(box, "destroy")
                for mount in box.container.mounts if anonymous_volumes else ():
                    if mount.name and self._volumes[mount.name].anonymous:
                        del self._volumes[mount.name]

    # Inside containers

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
        with self._call("exec", container):
            box = self._running(container)
            out: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
            run = self._life.run(box, lambda stream, data: out[stream].append(data), stdin or b"")
            return ExecResult(programs.run(command, run), b"".join(out["stdout"]), b"".join(out["stderr"]))

    def _running(self, container: str) -> Box:
        box = self._box(container)
        if not box.container.running:
            raise Conflict(f"container {container} is not running", status=409)
        return box

    def session(
        self,
        container: str,
        command: Sequence[str],
        *,
        tty: bool,
        user: str = "",
        environment: Strings = EMPTY,
        workdir: str = "",
    ) -> MemorySession:
        with self._call("session", container):
            self._running(container)
            return MemorySession(tty=tty)

    def attach(self, container: str, *, tty: bool, stdin: bool) -> MemoryAttached:
        with self._call("attach", container):
            return MemoryAttached(self._box(container), tty=tty)

    def wait(self, container: str) -> int:
        with self._call("wait", container):
            box = self._box(container)
            box.ended.wait()
            return box.code

    def top(self, container: str) -> Processes:
        with self._call("top", container):
            return Processes(("PID", "CMD"), (("1", " ".join(self._running(container).command)),))

    def stat(self, container: str, path: str) -> PathStat | None:
        with self._call("stat", container), self._lock:
            return stat(self._box(container), path)

    def read_archive(self, container: str, path: str) -> Iterator[bytes]:
        with self._call("read_archive", container), self._lock:
            return iter([packed(self._box(container), path)])

    def write_archive(self, container: str, folder: str, data: Iterable[bytes], *, owners: bool = False) -> None:
        with self._call("write_archive", container), self._lock:
            unpack(self._box(container), folder, b"".join(plain_tar(data)))

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
        with self._call("logs", container):
            box = self._box(container)
            if follow:
                box.ended.wait()
            lines = [line for line in box.log if (since or 0) <= line.time <= (until or line.time)]
            kept = lines if tail is None else lines[len(lines) - min(tail, len(lines)) :]
            return iter(kept if timestamps else [replace(line, time=0.0) for line in kept])

    # Events

    @contextmanager
    def watch(self, project: str) -> Iterator[Iterator[Event]]:
        with self._call("watch", project):
            events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
            entry = (project, events)
            self._watchers.append(entry)
        try:
            yield iter(events.get, None)
        finally:
            self._watchers.remove(entry)
            events.put(None)

    def _tell(self, box: Box, action: str, *, health: Health | None = None, exit_code: int | None = None) -> None:
        c = box.container
        event = Event(
            action=action,
            container=c.id,
            service=c.service,
            time=time.time(),
            health=health,
            exit_code=exit_code,
            name=c.name,
            image=c.image,
        )
        for project, events in list(self._watchers):
            if project == c.project:
                events.put(event)

    # Helpers of our own

    def helper(self, helper: Helper) -> ExecResult:
        with self._call("helper", helper.purpose):
            if helper.command[0] not in programs.KNOWN:
                raise EngineRefused(f'exec: "{helper.command[0]}": executable file not found in $PATH', status=400)
            mounts = tuple(ObservedMount("volume", target, name=name) for name, (target, _) in helper.mounts.items())
            for name in helper.mounts:
                self._store(name, EMPTY)
            shown = Container(id="helper", name="helper", image=helper.image, image_id="", state=State.RUNNING, mounts=mounts)
            out: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
            run = self._life.run(Box(shown, helper.command), lambda stream, data: out[stream].append(data))
            return ExecResult(programs.run(helper.command, run), b"".join(out["stdout"]), b"".join(out["stderr"]))

    def copy_volume(self, source: str, target: str, *, image: str) -> None:
        with self._call("copy_volume", source), self._lock:
            if image not in self._images:
                raise NotFound(f"No such image: {image}", status=404)
            self._volumes[target].files.update(self._volumes[source].files)

    def close(self) -> None:
        return

    def _next_id(self) -> str:
        with self._lock:
            self._last_id += 1
            return f"{self._last_id:064x}"


def _owned(found: Strings, project: str) -> bool:
    return found.get(labels.PROJECT) == project


def _adopted(there: Container, wanted: Strings) -> str:
    same = (labels.PROJECT, labels.SERVICE, labels.CONFIG_HASH, labels.ONEOFF, labels.IMAGE, labels.NUMBER)
    if there.state is State.CREATED and all(there.labels.get(key) == wanted.get(key) for key in same):
        return there.id
    raise Conflict(
        f'the container name "{there.name}" is taken by another container',
        status=409,
        details=[("image", there.image), ("belongs to", f"compose project {there.project}")],
    )
