"""The container engine through the Docker SDK: the only place that decides how each step is said to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING

from devstack import labels
from devstack.compose.model import EMPTY, Network, Service, Stack, Strings, Volume
from devstack.engine import images, layers, networking, observing
from devstack.engine.endpoint import no_engine, why_not
from devstack.engine.observed import EngineInfo, Observed, ObservedImage, ObservedVolume
from devstack.engine.wire import Wire
from devstack.errors import Conflict, EngineError, EngineRefused, NotFound

if TYPE_CHECKING:
    from devstack.engine.base import (
        Container,
        Endpoint,
        Event,
        ExecResult,
        Helper,
        LogLine,
        NewContainer,
        OnProgress,
        PathStat,
        Processes,
        Session,
    )
    from devstack.engine.creating import Creator


def connect(endpoint: Endpoint, *, timeout: float = 60) -> DockerEngine:
    """The engine behind an endpoint. `timeout` bounds each request, in seconds. Raises `EngineError` when none answers."""
    try:
        return DockerEngine(Wire(endpoint, timeout))
    except EngineError as error:
        why = why_not(endpoint) or error.message
        raise no_engine([(endpoint, why)]) from error


class DockerEngine:
    """`devstack.engine.base.Engine` on a real engine."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @cached_property
    def _creator(self) -> Creator:
        from devstack.engine.creating import Creator

        return Creator(self._wire)

    @cached_property
    def info(self) -> EngineInfo:
        version, endpoint = self._wire.version, self._wire.endpoint
        return self._wire.again(
            "asking the engine about itself", lambda c: observing.info(version, c.info(), endpoint, self._wire.api)
        )

    # Looking

    def observe(
        self, project: str, *, images: Iterable[str] = (), networks: Iterable[str] = (), volumes: Iterable[str] = ()
    ) -> Observed:
        mine = f"{labels.PROJECT}={project}"
        found_networks = {item.name: item for item in networking.networks(self._wire, label=mine)}
        found_volumes = {item.name: item for item in self.volumes(mine)}
        for name in set(networks) - set(found_networks):
            network = networking.network(self._wire, name)
            found_networks |= {name: network} if network else {}
        for name in set(volumes) - set(found_volumes):
            volume = self._volume(name)
            found_volumes |= {name: volume} if volume else {}
        looked = {reference: self.image(reference) for reference in dict.fromkeys(images)}
        return Observed(
            project=project,
            containers=self.containers(project),
            networks=found_networks,
            volumes=found_volumes,
            images={reference: image for reference, image in looked.items() if image is not None},
        )

    def containers(self, project: str | None = None) -> tuple[Container, ...]:
        filters = {} if project is None else {"label": f"{labels.PROJECT}={project}"}
        return self._wire.again(
            "listing containers", lambda c: tuple(map(observing.listed, c.containers(all=True, filters=filters)))
        )

    def inspect(self, container: str) -> Container:
        from devstack.engine.inspecting import inspect

        return inspect(self._wire, container)

    def image(self, reference: str) -> ObservedImage | None:
        return images.look(self._wire, reference)

    # Images

    def pull(self, reference: str, *, platform: str = "", on_progress: OnProgress | None = None) -> ObservedImage:
        return images.pull(self._wire, reference, platform=platform, on_progress=on_progress)

    def push(self, reference: str, *, on_progress: OnProgress | None = None) -> None:
        images.push(self._wire, reference, on_progress=on_progress)

    def build(
        self,
        stack: Stack,
        service: Service,
        *,
        on_progress: OnProgress | None = None,
        pull: bool = False,
        no_cache: bool = False,
    ) -> ObservedImage:
        from devstack.engine import builds

        return builds.build(self._wire, stack, service, on_progress=on_progress, pull=pull, no_cache=no_cache)

    def history(self, image: str) -> tuple[str, ...]:
        return layers.history(self._wire, image)

    def replaced(self, project: str) -> tuple[str, ...]:
        return layers.replaced(self._wire, project)

    def remove_image(self, image: str) -> bool:
        return layers.remove(self._wire, image)

    # Networks and volumes

    def create_network(self, stack: Stack, network: Network, extra_labels: Strings = EMPTY) -> str:
        from devstack.engine import labelling

        return networking.create(self._wire, network, labelling.network_labels(stack, network, extra_labels))

    def remove_network(self, network: str) -> None:

        networking.remove(self._wire, network)

    def create_volume(self, stack: Stack, volume: Volume, extra_labels: Strings = EMPTY) -> str:
        from devstack.engine import labelling

        found = labelling.volume_labels(stack, volume, extra_labels)
        return self._make_volume(volume.name, volume.driver, volume.driver_opts, found)

    def make_volume(self, name: str, volume_labels: Strings) -> None:
        self._make_volume(name, "", EMPTY, volume_labels)

    def _make_volume(self, name: str, driver: str, options: Strings, found: Strings) -> str:
        """Making a volume that exists is fine for the engine, so it may be repeated."""
        return self._wire.again(
            f"creating volume {name}",
            lambda c: str(c.create_volume(name, driver=driver or "local", driver_opts=dict(options), labels=dict(found))["Name"]),
        )

    def remove_volume(self, volume: str) -> None:
        try:
            self._wire.again(f"removing volume {volume}", lambda c: c.remove_volume(volume))
        except NotFound:
            return

    def volumes(self, label: str, *, sizes: bool = False) -> tuple[ObservedVolume, ...]:
        found = self._wire.again("listing volumes", lambda c: observing.volumes(c.volumes(filters={"label": label})))
        if sizes:
            measured = self._wire.get(
                "measuring volumes",
                "/system/df",
                observing.volumes,
                params={"type": "volume"},
                timeout=max(300, self._wire.timeout),
            )
            wanted = {volume.name for volume in found}
            found = [volume for volume in measured if volume.name in wanted]
        return tuple(sorted(found, key=lambda v: v.name))

    def _volume(self, name: str) -> ObservedVolume | None:
        try:
            return self._wire.again(f"looking at volume {name}", lambda c: observing.volume(c.inspect_volume(name)))
        except NotFound:
            return None

    # Containers

    def create(self, stack: Stack, new: NewContainer) -> str:
        return self._creator.create(stack, new)

    def start(self, container: str) -> None:
        self._wire.again(f"starting container {container}", lambda c: c.start(container))

    def stop(self, container: str, timeout: float | None = None) -> None:
        from devstack.engine import ending

        ending.stop(self._wire, container, timeout)

    def await_stops(self, project: str, on_wait: Callable[[str], None], *, cut_off: bool) -> None:
        from devstack.engine import ending

        ending.await_stops(self._wire, project, on_wait, cut_off=cut_off)

    def was_stopped(self, container: Container) -> bool | None:
        from devstack.engine import ending

        return ending.was_stopped(self._wire, container)

    def kill(self, container: str, signal: str = "KILL") -> None:
        """A container that does not run needs no signal."""
        try:
            self._wire.call(f"sending {signal} to {container}", lambda c: c.kill(container, signal))
        except Conflict as error:
            if "not running" not in error.message:
                raise

    def pause(self, container: str) -> None:
        self._wire.call(f"pausing {container}", lambda c: c.pause(container))

    def unpause(self, container: str) -> None:
        self._wire.call(f"unpausing {container}", lambda c: c.unpause(container))

    def rename(self, container: str, name: str) -> None:
        """Renaming to the name it has is fine: a lost reply makes it happen."""
        try:
            self._wire.again(f"renaming {container} to {name}", lambda c: c.rename(container, name))
        except EngineRefused:
            if self.inspect(container).name != name:
                raise

    def remove(self, container: str, *, anonymous_volumes: bool = False) -> None:
        from devstack.engine import ending

        ending.remove(self._wire, container, anonymous_volumes=anonymous_volumes)

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
        from devstack.engine import streams

        return streams.run_exec(
            self._wire,
            container,
            command,
            user=user,
            environment=environment,
            workdir=workdir,
            stdin=stdin,
            privileged=privileged,
        )

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
        from devstack.engine import streams

        body = streams.exec_body(
            command, user=user, environment=environment, workdir=workdir, stdin=True, tty=tty, privileged=False
        )
        exec_id = streams.prepare_exec(self._wire, container, body)
        return streams.DockerSession(self._wire, exec_id, tty=tty, doing=f"running {command[0]} in {container}")

    def attach(self, container: str, *, tty: bool, stdin: bool) -> Session:
        from devstack.engine.attach import Attached

        return Attached(self._wire, container, tty=tty, stdin=stdin)

    def wait(self, container: str) -> int:
        from devstack.engine import copying

        return copying.ended(self._wire, container, "end")

    def top(self, container: str) -> Processes:
        return self._wire.again(f"listing the processes of {container}", lambda c: observing.processes(c.top(container)))

    def stat(self, container: str, path: str) -> PathStat | None:
        from devstack.engine import archives

        return archives.stat(self._wire, container, path)

    def read_archive(self, container: str, path: str) -> Iterator[bytes]:
        from devstack.engine import archives

        return archives.read(self._wire, container, path)

    def write_archive(self, container: str, folder: str, data: Iterable[bytes], *, owners: bool = False) -> None:
        from devstack.engine import archives

        archives.write(self._wire, container, folder, data, owners=owners)

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
        from devstack.engine import logs

        return logs.log_lines(self._wire, container, follow=follow, tail=tail, since=since, until=until, timestamps=timestamps)

    def watch(self, project: str) -> AbstractContextManager[Iterator[Event]]:
        from devstack.engine import events

        return events.Watch(self._wire, project)

    # Helpers of our own

    def helper(self, helper: Helper) -> ExecResult:
        from devstack.engine import copying

        return copying.run_helper(self._wire, helper)

    def copy_volume(self, source: str, target: str, *, image: str) -> None:
        from devstack.engine import copying

        copying.copy_volume(self._wire, source, target, image=image)

    def close(self) -> None:
        self._wire.close()
