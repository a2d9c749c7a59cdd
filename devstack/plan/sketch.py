"""The steps of one `up` as they are put together: each refers only to what is in the sketch already."""

from __future__ import annotations

from devstack.compose.model import EMPTY, Condition, Service, Stack, Strings
from devstack.engine.base import Container
from devstack.plan.options import UpOptions
from devstack.plan.order import conditions, needs, parents
from devstack.plan.steps import NO_KEYS, ApplySchema, Await, Create, Keys, Remove, Rename, Start, Step, Stop, Until


class Sketch:
    """A plan in the making. `remade` are the services that get a new container, `steps` what is planned so far."""

    def __init__(self, stack: Stack, options: UpOptions) -> None:
        self.stack = stack
        self.options = options
        self.steps: list[Step] = []
        self.remade: set[str] = set()

    def scale(self, service: Service) -> int:
        return self.options.scale.get(service.name, service.scale)

    def name(self, service: Service, number: int) -> str:
        return service.container_name or f"{self.stack.name}-{service.name}-{number}"

    def new(self, service: Service, number: int) -> None:
        create = Create(
            service=service,
            number=number,
            name=self.name(service, number),
            image=self.stack.image_of(service),
            reason="",
            after=self._made_of(service),
        )
        self.remade.add(service.name)
        self.steps.append(create)
        self.start(service, number, reason="", after=frozenset({create.key}))

    def replace(self, service: Service, old: Container, reason: str) -> None:
        name = self.name(service, old.number)
        create = Create(
            service=service,
            number=old.number,
            name=f"{old.id[:12]}_{name}",
            image=self.stack.image_of(service),
            reason=reason,
            after=self._made_of(service),
            replaces=old.id,
            inherit=self._anonymous(service, old),
        )
        stop = Stop(
            container=old.id,
            name=old.name,
            service=service.name,
            reason="replaced",
            grace=service.stop_grace_period,
            after=frozenset({create.key}),
        )
        remove = Remove(
            container=old.id,
            name=old.name,
            service=service.name,
            reason="replaced",
            anonymous=self.options.renew_anonymous,
            after=frozenset({stop.key}),
        )
        rename = Rename(service=service.name, number=old.number, name=name, reason="", after=frozenset({remove.key}))
        self.remade.add(service.name)
        self.steps += [create, stop, remove, rename]
        self.start(service, old.number, reason="", after=frozenset({rename.key}))

    def restart(self, service: Service, container: Container) -> None:
        stop = Stop(
            container=container.id,
            name=container.name,
            service=service.name,
            reason=f"{self.why_restart(service)} is made again",
            grace=service.stop_grace_period,
        )
        self.steps.append(stop)
        self.start(service, container.number, reason="to start anew", after=frozenset({stop.key}), container=container)

    def discard(self, container: Container, reason: str) -> None:
        stop = Stop(container=container.id, name=container.name, service=container.service, reason=reason)
        remove = Remove(
            container=container.id, name=container.name, service=container.service, reason=reason, after=frozenset({stop.key})
        )
        self.steps += [stop, remove]

    def start(
        self,
        service: Service,
        number: int,
        *,
        reason: str,
        after: Keys,
        container: Container | None = None,
        paused: bool = False,
        settled: Keys = NO_KEYS,
    ) -> None:
        identity = container.id if container else ""
        waits, soft = self._conditions(service)
        waits |= {f"start:{parent}-1" for parent in parents(service)} & {step.key for step in self.steps}
        start = Start(
            service=service,
            number=number,
            reason=reason,
            container=identity,
            paused=paused,
            after=frozenset(after | waits),
            settled=settled | soft,
        )
        self.steps.append(start)
        self.wait(service, number, container=identity, after=frozenset({start.key}))

    def wait(self, service: Service, number: int, *, container: str, after: Keys) -> None:
        until = self.until(service)
        step = Await(service=service, number=number, until=until, container=container, reason="", after=after)
        self.steps.append(step)
        self.schema(service, frozenset({step.key}))

    def schema(self, service: Service, after: Keys) -> None:
        known = {step.key for step in self.steps}
        for task in self.options.schema:
            tool = self.stack.services.get(task.run)
            step = ApplySchema(
                service=service,
                database=task.database,
                files=task.files,
                reason=task.reason,
                tool=task.tool,
                run=task.run,
                seed=self.options.seed,
                after=after | (self._made_of(tool) if tool else frozenset()),
            )
            if task.service == service.name and step.key not in known:
                self.steps.append(step)

    def _made_of(self, service: Service) -> Keys:
        """Keys of all that must exist before a container of the service can be made."""
        keys = {f"image:{self.stack.image_of(service)}"}
        keys |= {f"network:{attachment.network}" for attachment in service.networks}
        keys |= {f"volume:{mount.source}" for mount in service.mounts if mount.type == "volume" and mount.source}
        keys |= {f"create:{parent}-1" for parent in parents(service)}
        return frozenset(keys & {step.key for step in self.steps})

    def until(self, service: Service) -> Until:
        """The strictest condition any enabled service has for this one."""
        wanted = conditions(self.stack.services, service.name)
        if Condition.COMPLETED in wanted:
            return Until.COMPLETED
        return Until.HEALTHY if Condition.HEALTHY in wanted else Until.READY

    def _conditions(self, service: Service) -> tuple[set[str], Keys]:
        """Keys a start waits for: those that must succeed, and those that only must have ended (`required: false`)."""
        hard: set[str] = set()
        soft: set[str] = set()
        mine = {step.key for step in self.steps}
        for dependency in service.depends_on:
            verb = "start" if dependency.condition is Condition.STARTED else "await"
            keys = {key for key in mine if key.rpartition("-")[0] == f"{verb}:{dependency.service}"}
            # A database whose schema we apply is of use only once that is done.
            keys |= {key for key in mine if key.startswith(f"schema:{dependency.service}/")} if verb == "await" else set()
            if dependency.required:
                hard |= keys
            else:
                soft |= keys
        for link in needs(service):
            if link not in {d.service for d in service.depends_on}:
                hard |= {key for key in mine if key.rpartition("-")[0] == f"start:{link}"}
        return hard, frozenset(soft)

    def _anonymous(self, service: Service, old: Container) -> Strings:
        """Nameless volumes of the old container that the new one takes over: mount target -> volume name."""
        if self.options.renew_anonymous:
            return EMPTY
        named = {mount.target for mount in service.mounts if mount.source}
        return {
            mount.target: mount.name for mount in old.mounts if mount.type == "volume" and mount.target not in named and mount.name
        }

    def why_restart(self, service: Service) -> str:
        """`depends_on: {x: {restart: true}}`: x is made again, so this one starts anew."""
        return next((d.service for d in service.depends_on if d.restart and d.service in self.remade), "")
