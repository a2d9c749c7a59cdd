"""What each step does: one `match`, no decisions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import assert_never

from devstack.compose.model import EMPTY, Hook, Service, Stack, Strings
from devstack.engine.base import STOP_GRACE, Engine, NewContainer, ObservedImage, OnProgress
from devstack.errors import Conflict, DevstackError, EngineRefused, NotFound, PortTaken, Unhealthy
from devstack.plan.order import parents
from devstack.plan.steps import (
    ApplySchema,
    Await,
    Build,
    Create,
    CreateNetwork,
    CreateVolume,
    Pull,
    Remove,
    RemoveNetwork,
    Rename,
    Start,
    Step,
    Stop,
)

ApplySql = Callable[[ApplySchema, str, OnProgress], str]
"""Applies a schema step to a container (its id); gives one line of result."""
TAKEN = ("address already in use", "port is already allocated", "ports are not available")
KILLED = 137
"""How a container ends that is killed: 128 and the number of SIGKILL."""
NOTICED = 1.0
"""Seconds from which on somebody wonders why a stop takes so long."""


class Actions:
    """Carries out steps one at a time, from any thread. Remembers the ids of containers it made."""

    def __init__(
        self,
        engine: Engine,
        stack: Stack,
        *,
        apply_sql: ApplySql | None = None,
        ids: Mapping[tuple[str, int], str] | None = None,
        extra_labels: Strings = EMPTY,
    ) -> None:
        self.engine = engine
        self.stack = stack
        self.apply_sql = apply_sql
        self.ids = dict(ids or {})
        self.extra_labels = extra_labels
        self._images: dict[str, ObservedImage] = {}
        self._looking = threading.Lock()

    def id_of(self, service: str, number: int) -> str:
        """The id of the container that this run made or found for a service."""
        return self.ids[(service, number)]

    @staticmethod
    def must_end(step: Step) -> bool:
        """Whether cutting the step off would leave something half-done that the next run has to mend."""
        return not isinstance(step, Pull | Build | Await)

    def do(self, step: Step, progress: OnProgress) -> str:
        """Carry out one step; the text is its result in a few words."""
        match step:
            case Pull():
                self.engine.pull(step.reference, platform=step.platform, on_progress=progress)
            case Build():
                self.engine.build(self.stack, step.service, on_progress=progress)
            case CreateNetwork():
                self.engine.create_network(self.stack, step.network, self.extra_labels)
            case CreateVolume():
                self.engine.create_volume(self.stack, step.volume, self.extra_labels)
            case Create():
                self._create(step)
            case Start():
                self._start(step)
            case Stop():
                return self._stop(step)
            case Remove():
                self.engine.remove(step.container, anonymous_volumes=step.anonymous)
            case Rename():
                self.engine.rename(step.container or self.id_of(step.service, step.number), step.name)
            case RemoveNetwork():
                self.engine.remove_network(step.network)
            case ApplySchema():
                return self._apply(step, progress)
            case Await():
                raise AssertionError("a wait is the executor's own")
            case _:
                assert_never(step)
        return ""

    def _create(self, step: Create) -> None:
        image = self._image(step.image)
        self.ids[(step.service.name, step.number)] = self.engine.create(
            self.stack,
            NewContainer(
                service=step.service,
                number=step.number,
                name=step.name,
                image=step.image,
                image_id=image.id,
                inherit=step.inherit,
                replaces=step.replaces,
                extra_labels=self.extra_labels,
                namespaces={parent: self.id_of(parent, 1) for parent in parents(step.service)},
            ),
        )

    def _image(self, reference: str) -> ObservedImage:
        """The image of containers that are to be made. It is built or pulled before the first of them, so one look is enough."""
        with self._looking:
            found = self._images.get(reference) or self.engine.image(reference)
            if found is None:
                raise NotFound(f"image {reference} is gone", status=404)
            self._images[reference] = found
        return found

    def _start(self, step: Start) -> None:
        container = step.container or self.id_of(step.service.name, step.number)
        self.ids[(step.service.name, step.number)] = container
        if step.paused:
            self.engine.unpause(container)
            return
        try:
            self.engine.start(container)
        except EngineRefused as refusal:
            raise self._why_not_started(step, refusal) from refusal
        for hook in step.service.post_start:
            failure = self._hook("post_start", step.service.name, container, hook)
            if failure is not None:
                raise failure

    def _hook(self, kind: str, service: str, container: str, hook: Hook) -> Unhealthy | None:
        """Run one hook inside a container; what went wrong, if anything did."""
        result = self.engine.exec(
            container,
            hook.command,
            user=hook.user,
            environment={key: value or "" for key, value in hook.environment.items()},
            workdir=hook.working_dir,
            privileged=hook.privileged,
        )
        if result.exit_code == 0:
            return None
        output = (result.stdout + result.stderr).decode(errors="replace")
        return Unhealthy(
            f"the {kind} hook of {service} failed with code {result.exit_code}",
            details=[("command", " ".join(hook.command)), ("output", output)],
        )

    def _why_not_started(self, step: Start, refusal: EngineRefused) -> DevstackError:
        name = step.service.name
        if any(words in refusal.message for words in TAKEN):
            ports = ", ".join(port.published for port in step.service.ports if port.published)
            return PortTaken(
                f"a port of {name} was taken between the check and the start",
                details=[("engine", refusal.message)],
                hints=["devstack up", f"devstack up --port {name}=PORT   (wanted: {ports})"],
            )
        return EngineRefused(f"{name} cannot be started: {refusal.message}", status=refusal.status)

    def _stop(self, step: Stop) -> str:
        """A hook that fails does not keep the container up: what was to stop stops, and the failure is told."""
        service = self.stack.services.get(step.service) or self.stack.disabled.get(step.service)
        told = ""
        for hook in service.pre_stop if service else ():
            try:
                failure = self._hook("pre_stop", step.service, step.container, hook)
            except (Conflict, NotFound):
                break  # it has ended in the meantime, or is paused: there is nobody to tell
            if failure is not None:
                output = dict(failure.details)["output"].strip().splitlines()
                told = f"stopped; {failure.message}" + (f": {output[-1]}" if output else "")
        begun = time.monotonic()
        self.engine.stop(step.container, step.grace)
        return told or self._why_so_long(step, service, time.monotonic() - begun)

    def _why_so_long(self, step: Stop, service: Service | None, seconds: float) -> str:
        """What to do about a container that waits for the end of its grace: mostly a shell as process 1, which hears no signal."""
        own = service.stop_grace_period if service else None
        grace = STOP_GRACE if own is None else own
        is_shortened = step.grace is not None and step.grace < grace
        if is_shortened or seconds < max(grace, NOTICED):
            return ""
        try:
            killed = self.engine.inspect(step.container).exit_code == KILLED
        except NotFound:
            return ""
        cure = "" if service is None or service.init else f"; `init: true` for {step.service} may help"
        return f"killed: it did not stop within {grace:.0f} s{cure}" if killed else ""

    def _apply(self, step: ApplySchema, progress: OnProgress) -> str:
        if self.apply_sql is None:
            raise AssertionError("a plan with a schema needs apply_sql")
        return self.apply_sql(step, self.id_of(step.service.name, 1), progress)
